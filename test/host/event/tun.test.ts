/** The Tun objects that come with the library: the link in memory, streams, descriptors. */
import { Duplex, duplexPair } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import {
  Device,
  DuplexTun,
  generatePrivateKey,
  type Tun,
  type TunEnd,
  type TunEvents,
  tunPair,
  type WasmguardError,
} from "../../../host/index.ts";
import { MemoryBind } from "../library/memory-bind.ts";
import { closeAll, introduce, makeNode, type Node, nextPacket, packet, SMALL } from "../library/support.ts";

let open: Node[] = [];
afterEach(async () => {
  await closeAll(open);
  open = [];
});

/** A started device on `tun` with address 1, and one in memory with address 2, that have shaken hands. */
async function connect(tun: Tun): Promise<[Node, Node]> {
  const nodes: [Node, Node] = [await makeNode(1, { tun }), await makeNode(2)];
  open = nodes;
  for (const { device } of nodes) await device.start();
  introduce(nodes[0], nodes[1], "endpoint");
  introduce(nodes[1], nodes[0], "endpoint");
  return nodes;
}

describe("tunPair", () => {
  it("keeps packets until someone takes them, and no more than its queue holds", async () => {
    const [near, far] = tunPair({ queuePackets: 3 });
    const taken = [1, 2, 3, 4].map((byte) => near.write(Uint8Array.of(byte)));
    expect(taken).toEqual([true, true, true, false]);
    const got: number[] = [];
    far.open({ receive: (bytes) => void got.push(bytes[0]!), failed: () => {} });
    expect(got).toEqual([]);
    await Promise.resolve();
    expect(got).toEqual([1, 2, 3]);
  });

  it("lets packets wait while it is paused, and tells the writer when there are too many", async () => {
    const [near, far] = tunPair({ queuePackets: 3 });
    const got: number[] = [];
    const receive = (bytes: Uint8Array) => {
      got.push(bytes[0]!);
      if (bytes[0] === 1) far.pause();
    };
    far.open({ receive, failed: () => {} });
    for (const byte of [1, 2, 3]) near.write(Uint8Array.of(byte));
    await Promise.resolve();
    expect(got).toEqual([1]);
    expect([near.write(Uint8Array.of(4)), near.write(Uint8Array.of(5))]).toEqual([true, false]);
    far.resume();
    await Promise.resolve();
    expect(got).toEqual([1, 2, 3, 4]);
  });

  it("hands packets on without a copy where that calls nobody, and no more of them in a turn than its queue holds", async () => {
    const [near, far] = tunPair({ queuePackets: 3 });
    const got: Uint8Array[] = [];
    far.open({ receive: (bytes) => void got.push(bytes), failed: () => {}, callsNobody: true });
    const packets = [1, 2, 3, 4].map((byte) => Uint8Array.of(byte));
    expect(packets.map((bytes) => near.write(bytes))).toEqual([true, true, true, false]);
    expect(got.map((bytes, i) => bytes === packets[i])).toEqual([true, true, true]);
    expect(far.drops).toBe(1n);
    await near.drained();
    expect(near.write(packets[3]!)).toBe(true);
  });

  it("lets packets wait where there is no room for them, although it is not paused yet", async () => {
    const [near, far] = tunPair();
    const got: number[] = [];
    let hasRoom = true;
    far.open({
      receive: (bytes) => {
        got.push(bytes[0]!);
        hasRoom = false;
      },
      failed: () => {},
      callsNobody: true,
      hasRoom: () => hasRoom,
    });
    for (const byte of [1, 2, 3]) near.write(Uint8Array.of(byte));
    await Promise.resolve();
    expect(got).toEqual([1]);
    far.pause();
    hasRoom = true;
    far.resume();
    await Promise.resolve();
    expect(got).toEqual([1, 2]);
  });

  it("lets no packet overtake those that waited", async () => {
    const [near, far] = tunPair();
    const got: number[] = [];
    far.open({ receive: (bytes) => void got.push(bytes[0]!), failed: () => {}, callsNobody: true });
    far.pause();
    near.write(Uint8Array.of(1));
    far.resume();
    near.write(Uint8Array.of(2));
    await Promise.resolve();
    near.write(Uint8Array.of(3));
    expect(got).toEqual([1, 2, 3]);
  });

  it("ends an iteration when either end is closed", async () => {
    const [near, far] = tunPair();
    const got: number[] = [];
    const iteration = (async () => {
      for await (const bytes of far) got.push(bytes[0]!);
    })();
    near.write(Uint8Array.of(7));
    await new Promise((resolve) => setImmediate(resolve));
    near.close();
    await iteration;
    expect(got).toEqual([7]);
    expect([near.write(Uint8Array.of(1)), far.write(Uint8Array.of(1))]).toEqual([false, false]);
  });
});

describe("an end of tunPair", () => {
  it("ends the reads of an iteration when a device takes it", async () => {
    const [near, far] = tunPair();
    const reads = near[Symbol.asyncIterator]();
    const waiting = reads.next();
    const packets: number[][] = [];
    near.open({ receive: (bytes) => void packets.push([...bytes]), failed() {} });
    far.write(Uint8Array.of(1));
    const done = { value: undefined, done: true };
    expect([await waiting, await reads.next()]).toEqual([done, done]);
    expect(packets).toEqual([[1]]);
  });

  const inbox = (end: TunEnd) => end[Symbol.asyncIterator]();

  it.each([null, undefined, "x", [1], new DataView(new ArrayBuffer(4)), new Uint16Array(4)])(
    "throws at once what %s is written for",
    (value) => {
      const [near] = tunPair();
      expect(() => near.write(value as never)).toThrow(expect.objectContaining({ code: "OPTION" }));
      expect(() => near.give(value as never)).toThrow(expect.objectContaining({ code: "OPTION" }));
    },
  );

  it("throws at once what a detached array is written for, and takes an empty one", () => {
    const [near] = tunPair();
    const packet = new Uint8Array(40);
    structuredClone(packet.buffer, { transfer: [packet.buffer] });
    expect(() => near.write(packet)).toThrow(expect.objectContaining({ code: "OPTION" }));
    expect(near.write(new Uint8Array())).toBe(true);
  });

  it("throws at once what an array is written for whose buffer became too short for it", () => {
    const [near] = tunPair();
    const buffer = new ArrayBuffer(64, { maxByteLength: 64 });
    const packet = new Uint8Array(buffer, 16, 40);
    buffer.resize(32);
    expect(() => near.write(packet)).toThrow(expect.objectContaining({ code: "OPTION" }));
    expect(() => near.give(packet)).toThrow(expect.objectContaining({ code: "OPTION" }));
  });

  it("keeps what was written, whatever becomes of the array", async () => {
    const [near, far] = tunPair();
    const packet = new Uint8Array(3);
    for (const byte of [1, 2, 3]) near.write(packet.fill(byte));
    packet.fill(9);
    const reads = inbox(far);
    for (const byte of [1, 2, 3]) expect((await reads.next()).value).toEqual(new Uint8Array(3).fill(byte));
  });

  it("serves reads in order, however many wait and whoever they are of", async () => {
    const [near, far] = tunPair();
    const [one, other] = [inbox(far), inbox(far)];
    const reads = [one.next(), other.next(), one.next()];
    for (const byte of [1, 2, 3, 4]) near.write(Uint8Array.of(byte));
    expect((await Promise.all(reads)).map(({ value }) => value?.[0])).toEqual([1, 2, 3]);
    expect((await other.next()).value?.[0]).toBe(4);
  });

  it("ends all reads that wait when it is closed, and those of an iteration that is left", async () => {
    const [near, far] = tunPair();
    const [one, other] = [inbox(far), inbox(far)];
    const [left, waiting] = [one.next(), other.next()];
    await one.return?.();
    expect(await left).toEqual({ done: true, value: undefined });
    near.write(Uint8Array.of(5));
    expect((await waiting).value?.[0]).toBe(5);
    const reads = [other.next(), other.next()];
    near.close();
    expect((await Promise.all(reads)).map(({ done }) => done)).toEqual([true, true]);
    expect((await inbox(far).next()).done).toBe(true);
  });

  it("counts what it had no room for, and tells when there is room again", async () => {
    const [near, far] = tunPair({ queuePackets: 4 });
    const taken = Array.from({ length: 6 }, () => near.write(new Uint8Array(1)));
    expect([taken, far.drops, near.drops]).toEqual([[true, true, true, true, false, false], 2n, 0n]);
    let drained = false;
    const room = near.drained().then(() => {
      drained = true;
    });
    const reads = inbox(far);
    await reads.next();
    await new Promise(setImmediate);
    expect(drained).toBe(false);
    await reads.next();
    await room;
    await near.drained();
    for (let i = 0; i < 4; i++) near.write(new Uint8Array(1));
    const closed = near.drained();
    far.close();
    await closed;
  });

  it.each(["when there is none", "after each packet"])(
    "gives others their turn of a writer who waits for room %s",
    async (when) => {
      const [near, far] = tunPair({ queuePackets: 4 });
      far.open({ receive() {}, failed() {} });
      let turn = false;
      setImmediate(() => {
        turn = true;
      });
      for (let i = 0; i < 100; i++) {
        while (!near.write(new Uint8Array(1))) await near.drained();
        if (when === "after each packet") await near.drained();
      }
      expect(turn).toBe(true);
      near.close();
    },
  );

  it("loses nothing of a flood that waits for room", async () => {
    const { device, host } = await makeNode(1, { bind: new MemoryBind() });
    await device.start();
    for (let i = 0; i < 3000; i++) {
      if (!host.write(packet({ address: 1 }, { address: 9 }, new Uint8Array(9)))) throw new Error("no room");
      if (i % 200 === 199) await host.drained();
    }
    await host.drained();
    await expect.poll(() => device.statistics().drops.no_peer).toBe(3000n);
    expect(device.statistics().drops.tun).toBe(0n);
    for (let i = 0; i < 600; i++) host.write(packet({ address: 1 }, { address: 9 }, new Uint8Array(9)));
    expect(device.statistics().drops.tun).toBe(100n);
    await device.close();
  });

  it("that has ended still gives what was written", async () => {
    const [near, far] = tunPair();
    for (const byte of [1, 2]) near.write(Uint8Array.of(byte));
    near.end();
    expect(near.write(Uint8Array.of(3))).toBe(false);
    const got: number[] = [];
    for await (const bytes of far) got.push(bytes[0]!);
    expect(got).toEqual([1, 2]);
    expect(far.write(Uint8Array.of(4))).toBe(true);
    const waiting = inbox(near);
    await waiting.next();
    const last = waiting.next();
    far.end();
    expect((await last).done).toBe(true);
  });
});

it.each([
  ["an end of tunPair", () => tunPair().slice(0, 1)],
  ["an end of tunPair whose other end is closed", () => tunPair()],
  ["DuplexTun", () => [new DuplexTun(duplexPair()[0])]],
])("%s is not opened again once it was closed", (_what, make) => {
  const ends = make();
  const [tun, closed] = [ends[0]!, ends.at(-1)!];
  const events = { receive() {}, failed() {} };
  tun.open(events);
  closed.close();
  expect(() => tun.open(events)).toThrow(expect.objectContaining({ code: "TUN" }));
});

describe("DuplexTun", () => {
  it.each(["bytes", "objects"])("carries one packet per chunk in a stream of %s", async (mode) => {
    const [stream, far] = duplexPair({ objectMode: mode === "objects" });
    const [left, right] = await connect(new DuplexTun(stream, { mtu: 1280 }));
    const chunks = far[Symbol.asyncIterator]();
    const sent = [4, 5, 6].map((length) => packet(left, right, new Uint8Array(length)));
    for (const one of sent) far.write(one);
    for (const one of sent) expect(await nextPacket(right)).toEqual(one);
    const back = packet(right, left, new Uint8Array(7));
    right.host.write(back);
    expect(Uint8Array.from((await chunks.next()).value)).toEqual(back);
  });

  it("reads nothing from the stream while it is paused", async () => {
    const [stream, far] = duplexPair();
    const tun = new DuplexTun(stream);
    const got: number[] = [];
    tun.open({ receive: (bytes) => void got.push(bytes[0]!), failed: () => {} });
    far.write(Uint8Array.of(1));
    await expect.poll(() => got).toEqual([1]);
    tun.pause();
    far.write(Uint8Array.of(2));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(got).toEqual([1]);
    tun.resume();
    await expect.poll(() => got).toEqual([1, 2]);
    tun.close();
  });

  it("drops what the stream has no room for", async () => {
    const written: Uint8Array[] = [];
    const stream = new Duplex({ writableHighWaterMark: 100, read() {}, write: (chunk) => void written.push(chunk) });
    const tun = new DuplexTun(stream);
    tun.open({ receive: () => {}, failed: () => {} });
    const taken = Array.from({ length: 4 }, () => tun.write(new Uint8Array(60)));
    expect(taken).toEqual([true, true, false, false]);
    expect(written).toHaveLength(1);
    tun.close();
    expect(stream.destroyed).toBe(true);
  });

  it("fails like a stream that breaks when it gives something else than bytes", async () => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    stream.setEncoding("utf8");
    const failures: unknown[] = [];
    const tun = new DuplexTun(stream);
    tun.open({
      receive: () => failures.push("received"),
      failed: (cause) => failures.push((cause as WasmguardError).code),
    });
    stream.push("a packet");
    await expect.poll(() => failures).toEqual(["TUN"]);
    tun.close();
  });

  it("tells once when the stream breaks, and not when the device closes it", async () => {
    const errors: WasmguardError[] = [];
    for (const cause of [new Error("unplugged"), undefined]) {
      const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      const [tun, bind] = [new DuplexTun(stream), new MemoryBind()];
      const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind, limits: SMALL });
      device.on("error", (error) => errors.push(error));
      await device.start();
      if (cause !== undefined) stream.destroy(cause);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await device.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(errors.map(({ code, cause }) => [code, (cause as Error).message])).toEqual([["TUN", "unplugged"]]);
  });
});

describe("buffers of packets", () => {
  /** Sends three packets the other way, in a row. */
  function sendThree(nodes: [Node, Node]): void {
    for (const byte of [1, 2, 3]) nodes[1].host.write(packet(nodes[1], nodes[0], Uint8Array.of(byte)));
  }

  it("are the own ones of a Tun that does not say otherwise: it may transfer each", async () => {
    const got: Uint8Array[] = [];
    let events: TunEvents | undefined;
    const tun: Tun = {
      open: (given) => {
        events = given;
      },
      write: (bytes) => got.push(bytes) > 0,
      close() {},
    };
    const nodes = await connect(tun);
    events!.receive(packet(nodes[0], nodes[1], Uint8Array.of(0)));
    await nextPacket(nodes[1]);
    sendThree(nodes);
    await expect.poll(() => got.length).toBe(3);
    const moved = got.map(({ buffer }) => structuredClone(buffer, { transfer: [buffer] }));
    expect(moved.map((buffer) => [...new Uint8Array(buffer)].slice(20))).toEqual([[1], [2], [3]]);
  });

  it("are shared by the packets of one tunPair's end, with nobody else", async () => {
    const [tun, host] = tunPair();
    const nodes = await connect(tun);
    host.write(packet(nodes[0], nodes[1], Uint8Array.of(0)));
    const there = await nextPacket(nodes[1]);
    sendThree(nodes);
    const inbox = host[Symbol.asyncIterator]();
    const back: Uint8Array[] = [];
    while (back.length < 3) back.push((await inbox.next()).value!);
    expect(new Set(back.map(({ buffer }) => buffer)).size).toBe(1);
    expect(back[0]!.buffer).not.toBe(there.buffer);
  });
});
