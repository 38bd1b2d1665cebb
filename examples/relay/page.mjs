// Two devices in one page, which talk to each other through the relay. Bundle it for a browser, for example:
// esbuild page.mjs --bundle --format=esm --platform=browser --outfile=page.js
import { Device, generatePrivateKey, tunPair } from "wasmguard";
import { WebSocketBind } from "./websocket-bind.mjs";

/** IPv4 (RFC 791) with protocol 253, which is for experiments (RFC 3692). */
function packet(from, to, text) {
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(20 + payload.length);
  bytes.set([0x45, 0, bytes.length >> 8, bytes.length & 255, 0, 0, 0, 0, 64, 253, 0, 0, ...from, ...to]);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += (bytes[at] << 8) | bytes[at + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  bytes.set([~(sum >> 8) & 255, ~sum & 255], 10);
  bytes.set(payload, 20);
  return bytes;
}

/** @param {string} relay as in ws://127.0.0.1:8080 @returns what Bob got, and what Alice got back */
export async function run(relay) {
  const limits = { maxPeers: 16, maxAllowedIps: 64 };
  const make = (tun) =>
    Device.create({ privateKey: generatePrivateKey(), tun, bind: new WebSocketBind(relay), limits });
  const [aliceTun, aliceHost] = tunPair();
  const [bobTun, bobHost] = tunPair();
  const [alice, bob] = [await make(aliceTun), await make(bobTun)];
  await Promise.all([alice.start(), bob.start()]);
  alice.addPeer({
    publicKey: bob.publicKey,
    endpoint: `127.0.0.1:${bob.listenPort}`,
    allowedIps: ["10.0.0.2"],
  });
  bob.addPeer({ publicKey: alice.publicKey, allowedIps: ["10.0.0.1"] });
  const next = async (host) => {
    for await (const bytes of host) return new TextDecoder().decode(bytes.subarray(20));
  };
  aliceHost.write(packet([10, 0, 0, 1], [10, 0, 0, 2], "hello, Bob"));
  const got = [await next(bobHost)];
  bobHost.write(packet([10, 0, 0, 2], [10, 0, 0, 1], "hello, Alice"));
  got.push(await next(aliceHost));
  await Promise.all([alice.close(), bob.close()]);
  return got;
}

globalThis.runRelayExample = run;
