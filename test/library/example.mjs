// Two WireGuard devices in one program, joined by UDP on this machine. No root, no addon: node example.mjs
import { Device, generatePrivateKey, tunPair } from "wasmguard";

// Each device gets one end of a link in memory; the other end is for our packets.
const [aliceTun, aliceHost] = tunPair();
const [bobTun, bobHost] = tunPair();
const alice = await Device.create({ privateKey: generatePrivateKey(), tun: aliceTun });
const bob = await Device.create({ privateKey: generatePrivateKey(), tun: bobTun });
await alice.start();
await bob.start();

const endpoint = `127.0.0.1:${bob.listenPort}`;
alice.addPeer({ publicKey: bob.publicKey, endpoint, allowedIps: ["10.0.0.2/32"] });
bob.addPeer({ publicKey: alice.publicKey, allowedIps: ["10.0.0.1/32"] });
bob.on("handshake", () => console.log("handshake"));

aliceHost.write(ipv4Packet([10, 0, 0, 1], [10, 0, 0, 2], "hello, Bob"));
for await (const packet of bobHost) {
  console.log("Bob got:", new TextDecoder().decode(packet.subarray(20)));
  break;
}
bobHost.write(ipv4Packet([10, 0, 0, 2], [10, 0, 0, 1], "hello, Alice"));
for await (const packet of aliceHost) {
  console.log("Alice got:", new TextDecoder().decode(packet.subarray(20)));
  break;
}

const [peer] = alice.statistics().peers;
console.log(`Alice received ${peer.rxBytes} bytes and sent ${peer.txBytes}`);
await alice.close();
await bob.close();

/** A packet of protocol 253, which is for experiments (RFC 3692). */
function ipv4Packet(source, destination, text) {
  const payload = new TextEncoder().encode(text);
  const packet = new Uint8Array(20 + payload.length);
  packet.set([0x45, 0, 0, packet.length, 0, 0, 0, 0, 64, 253, 0, 0, ...source, ...destination]);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet[at] * 256 + packet[at + 1];
  new DataView(packet.buffer).setUint16(10, ~((sum >> 16) + sum));
  packet.set(payload, 20);
  return packet;
}
