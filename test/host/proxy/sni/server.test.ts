import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { HELLO_BYTES_MAX, type Hello, HelloReader } from "../../../../host/proxy/sni/client-hello.ts";
import { serveSni } from "../../../../host/proxy/sni/server.ts";
import { ANY, bed, converse, crowd, echoServer } from "../support/bench.ts";

const readHello = (stream: Uint8Array): Hello => new HelloReader().add(stream);

/** The first bytes that a real TLS client sends. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const got = new Promise<Buffer>((done) => server.once("connection", (socket) => socket.once("data", done)));
  const client = connectTls({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", servername });
  client.on("error", () => {});
  const hello = await got;
  client.destroy();
  server.close();
  return hello;
}

/** The same hello in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const piece = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 0xff]), piece);
  }
  return Buffer.concat(records);
}

describe("a ClientHello", () => {
  it("tells its server's name as soon as it is there, whole or in small records", async () => {
    const hello = await helloOf("Web.Example");
    for (const bytes of [hello, inRecords(hello, 1), inRecords(hello, 100)]) {
      expect(readHello(bytes)).toEqual({ kind: "name", name: "web.example" });
      for (let length = 0; length < bytes.length; length += 7) {
        expect(readHello(bytes.subarray(0, length)).kind).toBe("more");
      }
    }
  });

  it("may come byte by byte", async () => {
    const hello = await helloOf("web.example");
    for (const bytes of [hello, inRecords(hello, 1)]) {
      const reader = new HelloReader();
      let said: Hello = { kind: "more" };
      for (let at = 0; said.kind === "more"; at++) said = reader.add(bytes.subarray(at, at + 1));
      expect(said).toEqual({ kind: "name", name: "web.example" });
    }
  });

  it("is read for itself, whatever follows it", async () => {
    const hello = await helloOf("web.example");
    const early = Buffer.concat([hello, Buffer.from([20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 9, 9])]);
    expect(readHello(early)).toEqual({ kind: "name", name: "web.example" });
  });

  it("is told from everything else", async () => {
    const hello = await helloOf("web.example");
    expect(readHello(Buffer.from("GET / HTTP/1.1\r\n"))).toEqual({ kind: "invalid", why: "not TLS" });
    expect(readHello(await helloOf("")).kind).toBe("invalid");
    const address = Buffer.from(hello.toString("latin1").replace("web.example", "192.168.1.1"), "latin1");
    expect(readHello(address).kind).toBe("invalid");
    expect(
      readHello(Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]), Buffer.alloc(100)])).kind,
    ).toBe("invalid");
  });

  it("never throws, and never wants more than its limit, whatever comes", async () => {
    const hello = await helloOf("web.example");
    fc.assert(
      fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (at, value, length) => {
        const bytes = Buffer.from(hello);
        bytes[at] = value;
        readHello(bytes.subarray(0, length));
      }),
      { numRuns: 3000 },
    );
    const endless = inRecords(
      Buffer.concat([Buffer.alloc(5), Buffer.from([1, 0, 0x3f, 0xff]), Buffer.alloc(20_000)]),
      9,
    );
    expect(readHello(endless.subarray(0, HELLO_BYTES_MAX)).kind).not.toBe("more");
  });
});

it("an SNI proxy passes the connection on, unopened, to the host that it names", async () => {
  const { context, way } = bed();
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      socket.end("server's answer");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  const direct = way.connect;
  const asked: unknown[] = [];
  // Port 443 is not for a test to bind.
  way.connect = (target) => {
    asked.push(target);
    return direct({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  };
  const listener = await serveSni(context, ANY);
  onTestFinished(() => listener.close());
  const hello = await helloOf("web.example");
  const { text } = await converse(listener.address.port, [hello.subarray(0, 50), hello.subarray(50)], "stay");
  expect(text).toBe("server's answer");
  expect(Buffer.concat(received)).toEqual(hello);
  expect(asked).toEqual([{ host: "web.example", port: 443 }]);
  expect((await converse(listener.address.port, ["GET / HTTP/1.0\r\n\r\n"])).reset).toBe(true);
});

it("an SNI proxy is there for others while clients have named no server", async () => {
  const { context, way } = bed({ most: 2 });
  const listener = await serveSni(context, ANY);
  onTestFinished(() => listener.close());
  const [direct, port, hello] = [way.connect, await echoServer(), await helloOf("web.example")];
  way.connect = () => direct({ host: "127.0.0.1", port });
  await crowd(listener.address.port, 2, hello.subarray(0, 20));
  expect((await converse(listener.address.port, [hello])).text).toMatch(/^echo:/);
});
