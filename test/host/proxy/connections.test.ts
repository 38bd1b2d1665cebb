import { PassThrough } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, it, onTestFinished, vi } from "vitest";
import { Connections } from "../../../host/proxy/connections.ts";
import { serveHttpProxy } from "../../../host/proxy/http/server.ts";
import { Login } from "../../../host/proxy/login.ts";
import { serveSocks5 } from "../../../host/proxy/socks5/server.ts";
import { certificate } from "../../support/certificate.ts";
import { ANY, bed, converse, crowd, echoServer } from "./support/bench.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("a connection is idle for as long as the process has run meanwhile, not for the night that its machine slept", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const connections = new Connections({ most: 10, idleMs: 60_000 });
  const [quiet, busy] = [new PassThrough(), new PassThrough()];
  connections.add(quiet);
  const connection = connections.add(busy)!;
  vi.advanceTimersByTime(30_000);
  connection.active();
  // The clock has gone on, and no timer has.
  const now = performance.now() + 8 * 3_600_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.advanceTimersByTime(29_000);
  expect([quiet.destroyed, busy.destroyed]).toEqual([false, false]);
  vi.advanceTimersByTime(7_000);
  expect([quiet.destroyed, busy.destroyed]).toEqual([true, false]);
  vi.advanceTimersByTime(30_000);
  expect(busy.destroyed).toBe(true);
  connections.close();
});

it("whoever has said nothing for the longest time gives way to others, and nobody who has said what he wants", () => {
  const connections = new Connections({ most: 2, idleMs: 0 });
  const [first, second, third, fourth, fifth] = Array.from({ length: 5 }, () => new PassThrough());
  connections.meet(first!);
  connections.meet(second!);
  connections.meet(third!)!.asked();
  expect([first!.destroyed, second!.destroyed, connections.open]).toEqual([true, false, 2]);
  expect(connections.add(fourth!)).toBeDefined();
  expect(second!.destroyed).toBe(true);
  expect(connections.add(fifth!)).toBeUndefined();
  expect([third!.destroyed, fourth!.destroyed, fifth!.destroyed]).toEqual([false, false, true]);
  expect([connections.open, connections.accepted, connections.refused]).toEqual([2, 4, 3]);
});

const LOGIN = Buffer.from("ann:secret").toString("base64");

it.each(["", "\x05", "\x05\x01\x02\x01\x03ann"])(
  "SOCKS5 is there for others while clients stay at %j",
  async (text) => {
    const { context } = bed({ most: 4 });
    const { address } = await serveSocks5(context, { bind: ANY, login: new Login("ann", "secret") });
    await crowd(address.port, 4, text);
    const port = await echoServer();
    const pieces = ["\x05\x01\x02", "\x01\x03ann\x06secret", `\x05\x01\x00\x01\x7f\x00\x00\x01`].map((piece) =>
      Buffer.from(piece),
    );
    const request = Buffer.concat([...pieces.splice(2), Buffer.from([port >> 8, port & 255])]);
    expect((await converse(address.port, [...pieces, request, "hello"])).text).toContain("echo:hello");
  },
);

it.each(["", "GET / HTTP/1.1\r\n"])("HTTP is there for others while clients stay at %j", async (text) => {
  const { context } = bed({ most: 4 });
  const { address } = await serveHttpProxy(context, { bind: ANY, login: new Login("ann", "secret") });
  await crowd(address.port, 4, text);
  const head = `CONNECT 127.0.0.1:${await echoServer()} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${LOGIN}\r\n\r\n`;
  expect((await converse(address.port, [head, "hello"])).text).toContain("echo:hello");
});

it.each(["", "\x16\x03\x01"])("HTTP over TLS is there for others while clients stay at %j", async (text) => {
  const { context } = bed({ most: 4 });
  const tls = certificate("proxy");
  const { address, close } = await serveHttpProxy(context, { bind: ANY, tls });
  onTestFinished(close);
  const { port } = address;
  await crowd(port, 4, text);
  const options = { port, host: "127.0.0.1", ca: tls.cert, servername: "proxy", allowHalfOpen: true };
  const client = connectTls(options);
  onTestFinished(() => void client.destroy());
  const told = textOf(client);
  client.write(`CONNECT 127.0.0.1:${await echoServer()} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await new Promise((done) => client.once("data", done));
  // Whoever has said what he wants stays, whoever comes.
  await crowd(port, 4, text);
  client.end("hello");
  expect(await told).toContain("echo:hello");
});
