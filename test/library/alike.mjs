// What programs see of a device's sockets, whichever driver carries its datagrams ("ffi" or "portable" as the argument) and in whichever
// runtime: what is refused, what is lost, what goes on. Prints lines that must be the same everywhere, and ends by itself.
import { closeSync, openSync } from "node:fs";
import { Device, generatePrivateKey, tunPair } from "wasmguard";

const driver = process.argv[2];
const limits = { maxPeers: 16, maxAllowedIps: 64 };
const PACKETS = 50;

async function make(number, options) {
  const [tun, host] = tunPair();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, limits, driver, ...options });
  const errors = [];
  device.on("error", ({ code }) => errors.push(code));
  return { number, device, host, errors, packets: host[Symbol.asyncIterator]() };
}

async function start(number) {
  const node = await make(number);
  await node.device.start();
  return node;
}

function packet(from, to, byte) {
  const bytes = new Uint8Array(21);
  bytes.set([0x45, 0, 0, 21, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, from.number, 10, 0, 0, to.number, byte]);
  return bytes;
}

function introduce(near, far) {
  const endpoint = { address: "127.0.0.1", port: far.device.listenPort };
  near.device.addPeer({ publicKey: far.device.publicKey, endpoint, allowedIps: [`10.0.0.${far.number}`] });
  far.device.addPeer({ publicKey: near.device.publicKey, allowedIps: [`10.0.0.${near.number}`] });
}

async function say(from, to, byte) {
  from.host.write(packet(from, to, byte));
  return (await to.packets.next()).value[20];
}

const codeOf = (promise) => promise.then(() => "none").catch((error) => error.code);
const turns = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** The port of one peer is closed, which ICMP tells: what others are sent must not suffer. */
async function refused() {
  const [near, dead, far] = [await start(1), await start(2), await start(3)];
  for (const other of [dead, far]) {
    introduce(near, other);
    await say(near, other, 0);
  }
  await dead.device.close();
  const came = [];
  for (let i = 1; i <= PACKETS; i++) {
    near.host.write(packet(near, dead, i));
    came.push(await say(near, far, i));
  }
  const { drops } = near.device.statistics();
  console.log(
    "refused",
    came.every((byte, i) => byte === i + 1),
    drops.send,
    near.errors.join(),
  );
  return { near, far };
}

/** Datagrams larger than most come as well, whatever room a runtime has for them at first. */
async function large({ near, far }) {
  let came = false;
  for (let attempt = 0; attempt < 2 && !came; attempt++) {
    const jumbo = new Uint8Array(9000);
    jumbo.set(packet(near, far, 8));
    new DataView(jumbo.buffer).setUint16(2, jumbo.length);
    near.host.write(jumbo);
    near.host.write(packet(near, far, 9));
    for (let byte = 8; byte === 8; ) {
      const { value } = await far.packets.next();
      byte = value[20];
      if (byte === 8) came = value.length === jumbo.length;
    }
  }
  console.log("large", came);
}

/** A broadcast address, which sockets may not send to unless they say so. */
async function forbidden({ near }) {
  const stranger = await make(4);
  const endpoint = { address: "255.255.255.255", port: 9 };
  const before = near.device.statistics().drops.send;
  near.device.addPeer({ publicKey: stranger.device.publicKey, endpoint, allowedIps: ["10.0.0.4"] });
  near.host.write(packet(near, stranger, 1));
  while (near.device.statistics().drops.send === before) await turns();
  console.log("forbidden", near.device.statistics().drops.send - before, near.errors.join());
  await stranger.device.close();
}

/** No descriptors are left; later there are. */
async function exhausted() {
  const node = await make(5);
  const taken = [];
  let error;
  while (error === undefined) {
    try {
      taken.push(openSync("/dev/null"));
    } catch (cause) {
      error = cause;
    }
  }
  const code = await codeOf(node.device.start());
  for (const fd of taken) closeSync(fd);
  await node.device.start();
  console.log("exhausted", code, node.device.listenPort > 0);
  return node;
}

/** A port is free as soon as its device is closed, and the other driver's as well as ours are refused one that is not. */
async function ports(node) {
  const { listenPort } = node.device;
  const codes = [];
  for (const other of ["ffi", "portable"]) {
    const another = await make(6, { driver: other === driver ? driver : "portable", listenPort });
    codes.push(await codeOf(another.device.start()));
    await another.device.close();
  }
  await Promise.all([node.device.close(), node.device.close()]);
  const next = await make(6, { listenPort });
  codes.push(await codeOf(next.device.start()));
  console.log("ports", ...codes, node.errors.join());
  await next.device.close();
}

const nodes = await refused();
await large(nodes);
await forbidden(nodes);
await ports(await exhausted());
// With sessions and their timers they need not keep the process alive; but while something else does, packets come.
const { near, far } = nodes;
for (const { device } of [near, far]) device.unref();
const alive = setInterval(() => {}, 1000);
console.log("unref", await say(near, far, 7));
clearInterval(alive);
