/** The Tun objects that come with the library: the link in memory, streams, descriptors. */
import { Duplex, duplexPair } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import {
  Device,
  DuplexTun,
  generatePrivateKey,
  type Tun,
  tunPair,
  type WasmguardError,
} from "../../../../host/index.ts";
import { MemoryBind } from "./memory-bind.ts";
import { closeAll, introduce, makeNode, type Node, nextPacket, packet, SMALL } from "./support.ts";

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
