/** Packets of a train as their Tun is given them: which of them share a buffer, and what else is in it. */
import { afterEach, expect, it } from "vitest";
import { MemoryBind } from "../../../bench/net/memory-bind.ts";
import { Device, generatePrivateKey, type Tun, type TunEnd, tunPair } from "../../../host/index.ts";
import { packet, SMALL } from "../library/support.ts";

const [NEAR, FAR, STRANGER] = [1, 2, 3].map((address) => ({ address })) as [
  { address: number },
  { address: number },
  { address: number },
];
const COUNT = 40;
const PAYLOAD_BYTES = 1400;

const devices: Device[] = [];
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()));
});

/** Two devices. @returns where the near one's packets are written, and what the far one's Tun was given */
async function joined(sharesBuffers: boolean): Promise<{ host: TunEnd; given: Uint8Array[] }> {
  const [nearBind, farBind] = [new MemoryBind(1), new MemoryBind(2)];
  MemoryBind.join(nearBind, farBind);
  const [nearTun, host] = tunPair();
  const given: Uint8Array[] = [];
  const farTun: Tun = { sharesBuffers, open() {}, close() {}, write: (bytes) => given.push(bytes) > 0 };
  const near = await Device.create({ privateKey: generatePrivateKey(), tun: nearTun, bind: nearBind, limits: SMALL });
  const far = await Device.create({ privateKey: generatePrivateKey(), tun: farTun, bind: farBind, limits: SMALL });
  devices.push(near, far);
  for (const device of [near, far]) await device.start();
  near.addPeer({ publicKey: far.publicKey, allowedIps: ["10.0.0.2"], endpoint: "192.0.2.2:51820" });
  far.addPeer({ publicKey: near.publicKey, allowedIps: ["10.0.0.1"] });
  host.write(packet(NEAR, FAR, Uint8Array.of(0)));
  await expect.poll(() => given.length, { timeout: 25_000 }).toBe(1);
  given.length = 0;
  return { host, given };
}

const filled = (byte: number): Uint8Array => new Uint8Array(PAYLOAD_BYTES).fill(byte);

it.each([true, false])("packets of a train come whole and in order (shared buffers: %s)", async (sharesBuffers) => {
  const { host, given } = await joined(sharesBuffers);
  const sent = Array.from({ length: COUNT }, (_, i) => packet(NEAR, FAR, filled(i)));
  // One of another length ends a train.
  sent.push(packet(NEAR, FAR, filled(COUNT).subarray(0, 333)), packet(NEAR, FAR, filled(COUNT + 1)));
  for (const each of sent) host.write(each);
  await expect.poll(() => given.length, { timeout: 25_000 }).toBe(sent.length);
  expect(given.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(
    sent.map((bytes) => Buffer.from(bytes).toString("hex")),
  );
  const buffers = new Set(given.map(({ buffer }) => buffer));
  if (sharesBuffers) {
    expect(buffers.size).toBeLessThan(COUNT / 8);
    expect(given.every(({ byteOffset }) => byteOffset % 4 === 0)).toBe(true);
  } else {
    expect(given.every(({ buffer, length }) => buffer.byteLength === length)).toBe(true);
  }
});

it("a packet that was refused is in no buffer", async () => {
  const { host, given } = await joined(true);
  const secret = 0xee;
  for (let i = 0; i < COUNT; i++) {
    const refused = i % 8 === 5;
    host.write(packet(refused ? STRANGER : NEAR, FAR, filled(refused ? secret : i)));
  }
  await expect.poll(() => given.length, { timeout: 25_000 }).toBe((COUNT / 8) * 7);
  const marker = Buffer.from(filled(secret).subarray(0, 32));
  for (const { buffer } of given) expect(Buffer.from(buffer).includes(marker)).toBe(false);
  expect(given.some(({ buffer }, i) => i > 0 && buffer === given[i - 1]!.buffer)).toBe(true);
});
