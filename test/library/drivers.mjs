// Who carries datagrams: two devices that are told "auto" and, where FFI is at hand, each its own driver. They talk over both families,
// move to another port, and leave no descriptor behind.
import { readdirSync } from "node:fs";
import { Device, generatePrivateKey, tunPair } from "wasmguard";

const limits = { maxPeers: 16, maxAllowedIps: 64 };

async function make(driver) {
  const [tun, host] = tunPair();
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, limits, driver });
  await device.start();
  return { device, packets: host[Symbol.asyncIterator](), host };
}

function packet(from, to, text) {
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(20 + payload.length);
  bytes.set([0x45, 0, 0, bytes.length, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
  bytes.set(payload, 20);
  return bytes;
}

async function say(from, to, text) {
  from.end.host.write(packet(from.number, to.number, text));
  const { value } = await to.end.packets.next();
  return new TextDecoder().decode(value.subarray(20));
}

async function talk(drivers, loopback) {
  const [a, b] = [
    { end: await make(drivers[0]), number: 1 },
    { end: await make(drivers[1]), number: 2 },
  ];
  const endpoint = () => ({ address: loopback, port: b.end.device.listenPort });
  a.end.device.addPeer({ publicKey: b.end.device.publicKey, endpoint: endpoint(), allowedIps: ["10.0.0.2"] });
  b.end.device.addPeer({ publicKey: a.end.device.publicKey, allowedIps: ["10.0.0.1"] });
  const heard = [await say(a, b, "there"), await say(b, a, "and back")];
  await b.end.device.listen(0);
  heard.push(await say(b, a, "moved"), await say(a, b, "found"));
  const running = [a, b].map(({ end }) => end.device.statistics().driver);
  await Promise.all([a.end.device.close(), b.end.device.close()]);
  return `${running.join(" to ")} at ${loopback}: ${heard.join(", ")}`;
}

/** Deno may not look. */
function descriptors() {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

console.log(await talk(["auto", "portable"], "127.0.0.1"));
const before = descriptors();
const drivers = process.argv[2] === "ffi" ? ["ffi", "portable"] : ["auto", "portable"];
for (const loopback of ["127.0.0.1", "::1"]) {
  console.log(await talk(drivers, loopback));
  console.log(await talk([...drivers].reverse(), loopback));
}
console.log("descriptors left", descriptors() - before);
if (process.argv[2] !== "ffi") {
  const refused = await make("ffi").catch((error) => `${error.code}: ${error.nextStep !== undefined}`);
  console.log("ffi", refused);
}
// The process ends.
for (const driver of ["auto", "portable"]) (await make(driver)).device.unref();
