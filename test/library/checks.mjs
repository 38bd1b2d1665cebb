// What the example does not show, for every runtime: errors, moving to another port, a stream, and with the argument
// "descriptor" an inherited one (number 3, to which the parent writes one packet and expects it back with the addresses
// changed over). Deno's node:fs takes no descriptors that other programs hand over.
import process from "node:process";
import { Duplex } from "node:stream";
import {
  DescriptorTun,
  Device,
  DgramBind,
  DuplexTun,
  decodeKey,
  encodeKey,
  formatPublicKey,
  generatePrivateKey,
  publicKeyOf,
  tunPair,
} from "wasmguard";

const local = () => new DgramBind({ ipv4: "127.0.0.1", ipv6: false });
const limits = { maxPeers: 16, maxAllowedIps: 64 };
const make = (tun, options) =>
  Device.create({ privateKey: generatePrivateKey(), tun, bind: local(), limits, ...options });
const codeOf = (promise) => promise.then(() => "none").catch((error) => error.code);

async function connected(tun) {
  const [nearTun, host] = tunPair();
  const [near, far] = [await make(nearTun), await make(tun)];
  await Promise.all([near.start(), far.start()]);
  const endpoint = { address: "127.0.0.1", port: far.listenPort };
  near.addPeer({ publicKey: far.publicKey, endpoint, allowedIps: ["10.0.0.2"], persistentKeepalive: 25 });
  far.addPeer({ publicKey: near.publicKey, allowedIps: ["10.0.0.1"] });
  await new Promise((resolve) => near.on("handshake", resolve));
  return { near, far, host };
}

async function next(host) {
  for await (const packet of host) return packet;
}

async function keys() {
  const privateKey = generatePrivateKey();
  const device = await make(tunPair()[0], { privateKey });
  const publicKey = formatPublicKey(device.publicKey);
  const text = encodeKey(privateKey);
  console.log("keys", publicKey === formatPublicKey(publicKeyOf(decodeKey(text))), text.length);
  await device[Symbol.asyncDispose]();
}

async function errors() {
  const device = await make(tunPair()[0]);
  await device.start();
  const taken = await make(tunPair()[0], { listenPort: device.listenPort });
  const elsewhere = await make(tunPair()[0], { bind: new DgramBind({ ipv4: "192.0.2.1", ipv6: false }) });
  const codes = [await codeOf(taken.start()), await codeOf(elsewhere.start())];
  await device.close();
  codes.push(await codeOf(device.listen(0)), await codeOf(taken.start()));
  await Promise.all([taken.close(), elsewhere.close()]);
  console.log("errors", ...codes);
}

async function moving() {
  const [tun, farHost] = tunPair();
  const { near, far, host } = await connected(tun);
  const moved = new Promise((resolve) => far.on("endpoint", resolve));
  await near.listen(0);
  host.write(packet([10, 0, 0, 1], [10, 0, 0, 2], 40));
  await next(farHost);
  const { endpoint } = await moved;
  console.log("moved", endpoint === `127.0.0.1:${near.listenPort}`);
  await Promise.all([near.close(), far.close()]);
}

async function stream() {
  const written = [];
  let wrote;
  const first = new Promise((resolve) => {
    wrote = resolve;
  });
  const duplex = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written.push(chunk.length);
      done();
      wrote();
    },
  });
  const { near, far, host } = await connected(new DuplexTun(duplex));
  host.write(packet([10, 0, 0, 1], [10, 0, 0, 2], 41));
  await first;
  duplex.push(packet([10, 0, 0, 2], [10, 0, 0, 1], 42));
  console.log("stream", written[0], (await next(host)).length);
  await Promise.all([near.close(), far.close()]);
}

async function descriptor() {
  const { near, far, host } = await connected(new DescriptorTun(3));
  console.log("descriptor ready");
  const got = await next(host);
  const answer = got.slice();
  answer.set(got.subarray(12, 16), 16);
  answer.set(got.subarray(16, 20), 12);
  host.write(answer);
  await new Promise((resolve) => far.on("error", resolve)); // the parent closes its end
  console.log("descriptor", got.length);
  await Promise.all([near.close(), far.close()]);
}

function packet(source, destination, length) {
  const bytes = new Uint8Array(length);
  bytes.set([0x45, 0, 0, length, 0, 0, 0, 0, 64, 253, 0, 0, ...source, ...destination]);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += bytes[at] * 256 + bytes[at + 1];
  new DataView(bytes.buffer).setUint16(10, ~((sum >> 16) + sum));
  return bytes;
}

await keys();
await errors();
await moving();
await stream();
if (process.argv[2] === "descriptor") await descriptor();
