/** Trains through a Bind: whole where it takes them, else a datagram at a time; and what a Bind may hand over as one. */
import { afterEach, expect, it } from "vitest";
import { MemoryBind } from "../../../bench/net/memory-bind.ts";
import { TX_TRAINS } from "../../../host/core/codes.ts";
import { Outgoing } from "../../../host/event/outgoing.ts";
import { type Bind, type BindEvents, Device, generatePrivateKey, publicKeyOf } from "../../../host/index.ts";
import { StackTun } from "../../../host/library/stack-tun.ts";
import { IpAddress } from "../../../host/net/address.ts";
import { exchange, PORT } from "../../net/pair.ts";
import * as plain from "../library/memory-bind.ts";
import { SMALL } from "../library/support.ts";

const BYTES = 1_000_000;

const devices: Device[] = [];
afterEach(async () => {
  await Promise.all(devices.splice(0).map((device) => device.close()));
});

/** Notes how many datagrams each call of its users had; knows trains only if told so. */
class Noting implements Bind {
  readonly sizes: number[] = [];
  readonly sendTrain?: NonNullable<Bind["sendTrain"]>;
  readonly #inner: MemoryBind;

  constructor(inner: MemoryBind, kind: "trains" | "datagrams") {
    this.#inner = inner;
    if (kind === "trains") {
      this.sendTrain = (train, segment) => {
        this.sizes.push(Math.ceil(train.length / segment));
        return inner.sendTrain(train, segment);
      };
    }
  }

  open(port: number, events: BindEvents): number {
    return this.#inner.open(port, events);
  }

  send(datagram: Uint8Array): boolean {
    this.sizes.push(1);
    return this.#inner.send(datagram);
  }

  close(): void {
    this.#inner.close();
  }
}

it.each(["trains", "datagrams"] as const)("a megabyte passes each way through a Bind for %s", async (kind) => {
  const inner = [new MemoryBind(1), new MemoryBind(2)] as const;
  MemoryBind.join(...inner);
  const binds = inner.map((each) => new Noting(each, kind));
  const keys = [generatePrivateKey(), generatePrivateKey()];
  const tuns = [1, 2].map((last) => new StackTun({ addresses: [IpAddress.parse(`10.0.0.${last}`)!] }));
  for (const i of [0, 1]) {
    const other = 2 - i;
    const publicKey = await publicKeyOf(keys[1 - i]!);
    const peers = [{ publicKey, endpoint: `192.0.2.${other}:51820`, allowedIps: [`10.0.0.${other}/32`] }];
    const ends = { tun: tuns[i]!, bind: binds[i]! };
    const device = await Device.create({ privateKey: keys[i]!, limits: SMALL, peers, ...ends });
    devices.push(device);
    await device.start();
  }
  const server = tuns[1]!.stack.tcp.listen({ port: PORT, acceptable: () => accepted() });
  if (typeof server === "string") throw new Error(server);
  let back: ReturnType<typeof exchange> | undefined;
  const accepted = () => {
    back = exchange(server.accept()!, BYTES, { salt: 1 });
  };
  const stream = tuns[0]!.stack.tcp.connect({ remote: IpAddress.parse("10.0.0.2")!, remotePort: PORT });
  if (typeof stream === "string") throw new Error(stream);
  const there = exchange(stream, BYTES, { salt: 0 });
  await expect.poll(() => there.closed && back?.closed, { timeout: 25_000 }).toBe(true);
  expect([there.reader.read, back?.reader.read]).toEqual([BYTES, BYTES]);
  const longest = Math.max(...binds[0]!.sizes);
  if (kind === "trains") expect(longest).toBeGreaterThan(16);
  else expect(longest).toBe(1);
});

it("a thousand short trains of one turn take little memory, and those of the next no more", () => {
  const taken: { byte: number | undefined; bytes: Uint8Array }[] = [];
  const outgoing = new Outgoing("lent", {
    train: (bytes) => taken.push({ byte: bytes[0], bytes }),
    packet: () => {},
  });
  const turn = () => {
    for (let i = 0; i < 1000; i++) outgoing.addTrain(new Uint8Array(200).fill(i), 0, 200, 100, plain.endpoint(1));
    outgoing.handOut();
    expect(taken.map(({ byte }) => byte)).toEqual(Array.from({ length: 1000 }, (_, i) => i & 255));
    return new Set(taken.splice(0).map(({ bytes }) => bytes.buffer));
  };
  const long = (buffers: Set<ArrayBufferLike>) => [...buffers].filter(({ byteLength }) => byteLength > 200);
  const first = long(turn());
  expect(first).toHaveLength(2 * TX_TRAINS);
  expect(new Set(long(turn()))).toEqual(new Set(first));
});

async function alone(): Promise<[Device, BindEvents]> {
  const bind = new plain.MemoryBind();
  const tun = new StackTun({ addresses: [IpAddress.parse("10.0.0.1")!] });
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind, limits: SMALL });
  devices.push(device);
  await device.start();
  return [device, bind.events!];
}

it.each([0, -1, 1.5, 15, 1001, Number.NaN, "100"])(
  "a train of 1000 bytes is refused with %s as segment",
  async (segment) => {
    const [, events] = await alone();
    const train = new Uint8Array(1000);
    expect(() => events.receiveTrain!(train, segment as number, plain.endpoint(1))).toThrow(
      expect.objectContaining({ code: "OPTION" }),
    );
  },
);

it.each([undefined, null])("a sender that is %s is refused, whatever came before", async (sender) => {
  const [device, events] = await alone();
  const from = sender as never;
  const calls = [
    () => events.receive(new Uint8Array(900), from),
    () => events.receive(new Uint8Array(1000), from),
    () => events.receiveTrain!(new Uint8Array(2000), 1000, from),
  ];
  const refusal = expect.objectContaining({ code: "OPTION" });
  for (const call of calls) expect(call).toThrow(refusal);
  events.receive(new Uint8Array(1000).fill(9), plain.endpoint(1));
  for (const call of calls) expect(call).toThrow(refusal);
  await plain.settle();
  for (const call of calls) expect(call).toThrow(refusal);
  await plain.settle();
  expect(device.statistics().drops.type).toBe(1n);
});

it("each datagram of a train is looked at, and counted where it is dropped", async () => {
  const [device, events] = await alone();
  // The last is shorter than any message; the others are of a type that there is not.
  events.receiveTrain!(new Uint8Array(4 * 100 + 7).fill(9), 100, plain.endpoint(1));
  events.receiveTrain!(new Uint8Array(300), 100, plain.endpoint(0));
  await plain.settle();
  const { type, short, malformed } = device.statistics().drops;
  expect([type, short, malformed]).toEqual([4n, 1n, 3n]);
});
