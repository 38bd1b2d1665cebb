import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { TunnelDatagramSocket } from "../../../host/sockets/datagram.ts";
import { type Node, pair } from "./support/pair.ts";

function socketOf(node: Node, options: object = {}): TunnelDatagramSocket {
  const socket = new TunnelDatagramSocket(node, options);
  onTestFinished(() => void socket.close());
  return socket;
}

async function echo(node: Node): Promise<number> {
  const server = socketOf(node);
  server.on("message", (message, from) => server.send(`re:${message}`, from.port, from.address));
  server.bind(0);
  await once(server, "listening");
  return server.address().port;
}

describe("a datagram socket", () => {
  it("sends to addresses and names, and tells who answered", async () => {
    const { near, far } = pair();
    const port = await echo(far);
    const client = socketOf(near);
    for (const host of [far.address, "far.internal"]) {
      client.send("hi", port, host);
      const [message, from] = await once(client, "message");
      expect(String(message)).toBe("re:hi");
      expect(from).toEqual({ address: far.address, family: "IPv4", port, size: 5 });
    }
  });

  it("takes all the ways to call send that dgram knows", async () => {
    const { near, far } = pair();
    const port = await echo(far);
    const client = socketOf(near);
    const answer = async (): Promise<string> => String((await once(client, "message"))[0]);
    const sent = new Promise((resolve) =>
      client.send("callback", port, far.address, (error: unknown, bytes: unknown) => resolve([error, bytes])),
    );
    expect(await sent).toEqual([null, 8]);
    expect(await answer()).toBe("re:callback");
    client.send(Buffer.from("0123456789"), 2, 3, port, far.address);
    expect(await answer()).toBe("re:234");
    client.send(["a", Buffer.from("b")], port, far.address);
    expect(await answer()).toBe("re:ab");
    client.connect(port, far.address);
    await once(client, "connect");
    expect(client.remoteAddress()).toMatchObject({ address: far.address, port });
    client.send("connected");
    expect(await answer()).toBe("re:connected");
    expect(() => socketOf(near).send("x", 0, far.address)).toThrow(/Port should be/);
  });

  it("keeps only so much of what waits for a name", async () => {
    const { near } = pair();
    let found = (_addresses: readonly never[]): void => {};
    const answer = new Promise<readonly never[]>((done) => {
      found = done;
    });
    const client = socketOf({ ...near, lookup: () => answer });
    const results: unknown[] = [];
    for (let i = 0; i < 400; i++) {
      client.send(new Uint8Array(60_000), 9, "slow.internal", (error: unknown) =>
        results.push((error as { code?: string } | null)?.code),
      );
    }
    await expect.poll(() => results.length).toBeGreaterThan(0);
    expect(new Set(results)).toEqual(new Set(["ENOBUFS"]));
    expect(client.getSendQueueCount() + results.length).toBe(400);
    expect(client.getSendQueueSize()).toBeLessThanOrEqual(16 << 20);
    found([]);
    await expect.poll(() => client.getSendQueueSize()).toBe(0);
  });

  it("hears of refusals once it is connected, and is told what it cannot do", async () => {
    const { near, far } = pair();
    const client = socketOf(near);
    client.connect(9, far.address);
    await once(client, "connect");
    client.send("x");
    expect((await once(client, "error"))[0]).toMatchObject({ code: "ECONNREFUSED" });
    const sending = (host: string, bytes = 1): Promise<unknown> =>
      new Promise((resolve) => socketOf(near).send(new Uint8Array(bytes), 53, host, resolve));
    expect(await sending("nowhere.internal")).toMatchObject({ code: "ENOTFOUND" });
    expect(await sending("fd00::1")).toMatchObject({ code: "EHOSTUNREACH" });
    expect(await sending(far.address, 65_508)).toMatchObject({ code: "EMSGSIZE" });
    const second = socketOf(far);
    second.bind(await echo(far));
    expect((await once(second, "error"))[0]).toMatchObject({ code: "EADDRINUSE", syscall: "bind" });
  });

  it("lets sends wait while the queue is full, in their order", async () => {
    const { near, far } = pair();
    const server = socketOf(far);
    const got: number[] = [];
    server.on("message", (message) => got.push(message.readUInt32BE(0)));
    server.bind(0);
    await once(server, "listening");
    const client = socketOf(near);
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      const message = Buffer.alloc(8000);
      message.writeUInt32BE(i);
      sent.push(new Promise((resolve) => client.send(message, server.address().port, far.address, resolve)));
      message.fill(0xff);
    }
    expect(await Promise.all(sent)).toEqual(Array(100).fill(null));
    await expect.poll(() => got.length, { timeout: 10_000 }).toBeGreaterThan(10);
    expect(got).toEqual(got.toSorted((a, b) => a - b));
    expect(got.every((number) => number < 100)).toBe(true);
  });

  it("tells whose sends still wait that it is closed", async () => {
    const { near, far } = pair();
    const client = socketOf(near);
    const send = (): Promise<unknown> =>
      new Promise((resolve) => client.send(Buffer.alloc(8000), 9, far.address, resolve));
    const sent: Promise<unknown>[] = [];
    while (client.getSendQueueCount() < 2 && sent.length < 10_000) sent.push(send());
    client.close();
    const cancelled = expect.objectContaining({ code: "ECANCELED", syscall: "send" });
    expect((await Promise.all(sent)).slice(-2)).toEqual([cancelled, cancelled]);
  });

  it("tells of all that came, though a listener throws", async () => {
    const { far } = pair();
    const server = socketOf(far);
    const got: string[] = [];
    server.on("message", (message) => {
      got.push(String(message));
      throw new Error(`of ${message}`);
    });
    server.bind(0);
    await once(server, "listening");
    const sender = far.udp.open();
    if (typeof sender === "string") throw new Error(sender);
    const to = far.ownAddress(far.address)!;
    for (const text of ["one", "other"]) sender.send(Buffer.from(text), to, server.address().port);
    // Out, and in again.
    far.stack.turn(performance.now());
    expect(() => far.stack.turn(performance.now())).toThrow("of one");
    expect(got).toEqual(["one", "other"]);
  });

  it("does nothing any more once it is closed", async () => {
    const { near, far } = pair();
    const client = socketOf(near);
    client.close();
    await once(client, "close");
    expect(() => client.send("x", 1, far.address)).toThrow(/Not running/);
    const controller = new AbortController();
    const aborted = socketOf(near, { signal: controller.signal });
    controller.abort();
    await once(aborted, "close");
  });
});
