import { once } from "node:events";
import { createServer, type RequestListener, request } from "node:http";
import { createSecureServer } from "node:http2";
import { request as requestSecurely } from "node:https";
import { createServer as createTlsServer } from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { runtime } from "../../../host/platform.ts";
import { makeFetch } from "../../../host/sockets/http/fetch.ts";
import { HttpTransport } from "../../../host/sockets/http/transport.ts";
import type { TunnelSocket } from "../../../host/sockets/socket.ts";
import { certificate } from "../../support/certificate.ts";
import { inside } from "./support/inside.ts";
import { pair } from "./support/pair.ts";

interface HalfAnswer {
  write(text: string): unknown;
}

const TURNS_MAX = 1000;

/** Of the runtime, all of it. */
const collectGarbage: () => void = (() => {
  const { Bun } = globalThis as { Bun?: { gc(force: true): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

/** Within the turn that opens a connection, when no request has it yet. */
async function untilOpen({ open }: { readonly open: ReadonlySet<unknown> }): Promise<void> {
  for (let turns = 0; open.size === 0 && turns < TURNS_MAX; turns++) await null;
  expect(open.size).toBe(1);
}

async function web(serve: RequestListener, tls: object = {}) {
  const { near, far } = pair();
  const server = createServer(serve);
  let connections = 0;
  const port = await inside(far, (socket) => {
    connections += 1;
    server.emit("connection", socket);
  });
  const transport = new HttpTransport(near, tls);
  onTestFinished(() => transport.close());
  return {
    near,
    far,
    port,
    origin: `http://far.internal:${port}`,
    fetch: makeFetch(transport),
    httpAgent: transport.httpAgent,
    httpsAgent: transport.httpsAgent,
    connections: () => connections,
  };
}

/** A server of HTTP/2, and a transport that trusts it. */
async function secureWeb(serve: Parameters<typeof createSecureServer>[1]) {
  const { near, far } = pair();
  const { cert, key } = certificate("far.internal");
  const server = createSecureServer({ cert, key }, serve);
  let connections = 0;
  const port = await inside(far, (socket) => {
    connections += 1;
    server.emit("connection", socket);
  });
  onTestFinished(() => void server.close());
  const transport = new HttpTransport(near, { ca: cert });
  onTestFinished(() => transport.close());
  const origin = `https://far.internal:${port}`;
  return { near, origin, fetch: makeFetch(transport), connections: () => connections };
}

describe("fetch", () => {
  it("asks, keeps the connection, and gives the answer as fetch does", async () => {
    const { fetch, origin, connections } = await web((request, response) => {
      response.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end(`${request.method} ${request.url}`);
    });
    for (const path of ["/a?b=c#d", "/e"]) {
      const response = await fetch(origin + path);
      expect(response.status).toBe(200);
      expect(response.ok).toBe(true);
      expect(response.url).toBe(origin + path);
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      expect(await response.text()).toBe(`GET ${path.replace(/#.*/, "")}`);
    }
    // Deno's server ends a connection that was handed to it after one answer, whatever it says of keep-alive.
    expect(connections()).toBe(runtime() === "deno" ? 2 : 1);
  });

  it("sends bodies of every kind, and decodes what is coded", async () => {
    const { fetch, origin } = await web((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.writeHead(200, { "content-encoding": "gzip", "x-type": request.headers["content-type"] ?? "" });
        response.end(gzipSync(Buffer.concat(chunks)));
      });
    });
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("by "));
        controller.enqueue(new TextEncoder().encode("stream"));
        controller.close();
      },
    });
    const send = async (body: unknown) => fetch(origin, { method: "POST", body, duplex: "half" } as never);
    expect(await (await send("text")).text()).toBe("text");
    expect(await (await send(new Uint8Array([65, 66]))).text()).toBe("AB");
    expect(await (await send(stream)).text()).toBe("by stream");
    const form = await send(new URLSearchParams({ a: "1" }));
    expect(form.headers.get("x-type")).toMatch(/urlencoded/);
    expect(await form.text()).toBe("a=1");
    expect(await (await fetch(new Request(origin, { method: "PUT", body: "r" }))).text()).toBe("r");
  });

  it("follows redirects as it should, and shows no secret to another host", async () => {
    const seen: string[] = [];
    const { fetch, origin } = await web((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? "-"}`);
      const to: Record<string, [number, string]> = {
        "/303": [303, "/end"],
        "/307": [307, "/end"],
        "/other": [302, `http://other.internal:${request.socket.localPort}/end`],
        "/loop": [302, "/loop"],
        "/file": [302, "file:///etc/passwd"],
      };
      const [status, location] = to[request.url!] ?? [200, ""];
      response.writeHead(status, { location }).end("end");
    });
    const headers = { authorization: "Bearer x" };
    expect((await fetch(`${origin}/303`, { method: "POST", body: "b", headers })).redirected).toBe(true);
    await fetch(`${origin}/307`, { method: "POST", body: "b", headers });
    await fetch(`${origin}/other`, { headers });
    expect(seen).toEqual([
      "POST /303 Bearer x",
      "GET /end Bearer x",
      "POST /307 Bearer x",
      "POST /end Bearer x",
      "GET /other Bearer x",
      "GET /end -",
    ]);
    await expect(fetch(`${origin}/loop`)).rejects.toThrow(/more than 20 redirects/);
    await expect(fetch(`${origin}/file`)).rejects.toThrow(/redirect to file:/);
    await expect(fetch(`${origin}/303`, { redirect: "error" })).rejects.toThrow(TypeError);
    expect((await fetch(`${origin}/303`, { redirect: "manual" })).status).toBe(303);
  });

  it("fails with the cause, is aborted at every stage, and tells a body that was cut", async () => {
    const { fetch, origin, far } = await web((request, response) => {
      if (request.url === "/cut") {
        response.writeHead(200, { "content-length": "10" });
        response.write("half", () => response.destroy());
      }
    });
    await expect(fetch(`http://${far.address}:9/`)).rejects.toMatchObject({
      name: "TypeError",
      message: "fetch failed",
      cause: { code: "ECONNREFUSED" },
    });
    const cut = await fetch(`${origin}/cut`);
    await expect(cut.text()).rejects.toThrow(TypeError);
    const controller = new AbortController();
    const waiting = fetch(`${origin}/silent`, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    await expect(fetch(origin, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });

  it.each([
    ["over HTTP/1.1", web],
    ["over HTTP/2", secureWeb],
  ])("does not send what is aborted while its body is taken, %s", async (_, start) => {
    const seen: string[] = [];
    const { fetch, origin } = await start(
      (request: { url?: string | undefined }, response: { end(text: string): unknown }) => {
        seen.push(request.url!);
        response.end("ok");
      },
    );
    const giveUp = async (path: string): Promise<void> => {
      const controller = new AbortController();
      const { signal } = controller;
      const asked = fetch(origin + path, { method: "POST", body: "b", signal });
      controller.abort();
      await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    };
    await giveUp("/on a first connection");
    await (await fetch(`${origin}/kept`)).text();
    await giveUp("/on a kept one");
    await (await fetch(`${origin}/last`)).text();
    expect(seen).toEqual(["/kept", "/last"]);
  });

  it.each(["http:", "https:"])("is aborted while it connects, and gives the connection up, %s", async (scheme) => {
    const { fetch, near } = await web(() => {});
    const controller = new AbortController();
    // Nobody has this address.
    const asked = fetch(`${scheme}//10.0.0.77/`, { signal: controller.signal });
    await untilOpen(near);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    await expect.poll(() => near.open.size).toBe(0);
  });

  it.each<["httpAgent" | "httpsAgent", typeof request]>([
    ["httpAgent", request],
    ["httpsAgent", requestSecurely],
  ])("gives the connection of its %s up when a request of Node's is, while it connects", async (name, request) => {
    const { near, [name]: agent } = await web(() => {});
    const asked = request({ agent, host: "10.0.0.77" });
    const failed = new Promise((done) => asked.once("error", done));
    asked.end();
    await untilOpen(near);
    asked.destroy();
    expect(await failed).toMatchObject({ code: "ECONNRESET" });
    await expect.poll(() => near.open.size).toBe(0);
  });

  it.each<[string, (url: string, signal: AbortSignal) => Parameters<typeof fetch>]>([
    ["a signal", (url, signal) => [url, { signal }]],
    ["a Request that has one", (url, signal) => [new Request(url, { signal })]],
  ])("is aborted by %s after a collection of garbage, before the answer and in its body", async (_, asking) => {
    const answered = async (start: typeof web | typeof secureWeb): Promise<void> => {
      const { fetch, origin } = await start((incoming: { url?: string | undefined }, response: HalfAnswer) => {
        if (incoming.url === "/body") response.write("half");
      });
      const controller = new AbortController();
      const waiting = fetch(...asking(`${origin}/silent`, controller.signal));
      const body = (await fetch(...asking(`${origin}/body`, controller.signal))).text();
      const ends = Promise.allSettled([waiting, body]);
      for (let turns = 0; turns < 10; turns++) {
        collectGarbage();
        await new Promise((done) => setTimeout(done, 5));
      }
      controller.abort();
      expect(await ends).toMatchObject([{ reason: { name: "AbortError" } }, { status: "rejected" }]);
    };
    await answered(web);
    await answered(secureWeb);
  });

  it.each<[string, string | undefined, () => RequestInit]>([
    ["nobody listens", "http://10.0.0.2:9/", () => ({})],
    ["nobody listens, over TLS", "https://10.0.0.2:9/", () => ({})],
    ["it is answered early, and aborted", undefined, () => ({ signal: AbortSignal.timeout(300) })],
    ["it is aborted from the start", undefined, () => ({ signal: AbortSignal.abort() })],
  ])("cancels the stream that is its body when %s", async (_, url, init) => {
    const { fetch, origin } = await web((_incoming, response) => response.write("early"));
    let cancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      // The next chunk never comes.
      pull: () => new Promise(() => {}),
      cancel: () => {
        cancelled = true;
      },
    });
    const asked = fetch(url ?? origin, { ...init(), method: "POST", body, duplex: "half" } as RequestInit);
    await expect(asked.then((response) => response.text())).rejects.toThrow();
    await expect.poll(() => cancelled).toBe(true);
  });

  it.each([
    ["nobody listens", "https://10.0.0.2:9/", "ECONNREFUSED"],
    ["no address of ours leads", "https://[fd00::1]/", "ENETUNREACH"],
    ["no host has the name", "https://nowhere.internal/", "ENOTFOUND"],
  ])("fails over TLS where %s, and does no more harm than that", async (_, url, code) => {
    const { fetch } = await web(() => {});
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on("uncaughtExceptionMonitor", note);
    onTestFinished(() => void process.off("uncaughtExceptionMonitor", note));
    await expect(fetch(url)).rejects.toMatchObject({ message: "fetch failed", cause: { code } });
    // TLS tells of it again a few ticks later.
    for (let turns = 0; turns < 10; turns++) await new Promise((done) => setImmediate(done));
    expect(uncaught).toEqual([]);
  });

  it.each([
    ["a status of no kind", "HTTP/1.1 000 OK\r\nContent-Length: 99\r\n\r\nok"],
    // Bun's client has no words behind the status.
    ...(runtime() === "bun" ? [] : [["control characters", "HTTP/1.1 200 O\x01K\r\nContent-Length: 99\r\n\r\nok"]]),
    ["another protocol", "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"],
    [
      "thousands of codings",
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${"gzip,".repeat(2000)}gzip\r\nContent-Length: 99\r\n\r\nok`,
    ],
    ["a redirect to a file", "HTTP/1.1 302 Found\r\nLocation: file:///x\r\nContent-Length: 99\r\n\r\nok"],
  ])("is told of an answer with %s as of an error, and leaves no connection behind", async (_, answer) => {
    const { near, far } = pair();
    const transport = new HttpTransport(near);
    onTestFinished(() => transport.close());
    let ended: Promise<unknown> | undefined;
    const port = await inside(far, (socket: TunnelSocket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(answer, "latin1"));
      socket.once("end", () => socket.end());
      ended = new Promise((done) => socket.once("close", done));
    });
    await expect(makeFetch(transport)(`http://far.internal:${port}/`)).rejects.toThrow(TypeError);
    await ended;
  });

  it("does not read the body of a redirect for ever", async () => {
    let ended: Promise<unknown> | undefined;
    const { fetch, origin } = await web((request, response) => {
      if (request.url !== "/") return void response.end("there");
      response.writeHead(302, { location: "/there" });
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      more();
      ended = once(response, "close");
    });
    expect(await (await fetch(origin)).text()).toBe("there");
    await ended;
  });

  it("speaks HTTP/2 where the server does, with one connection for many requests", async () => {
    const { near, origin, fetch, connections } = await secureWeb((request, response) => {
      response.setHeader("x-version", request.httpVersion);
      if (request.method === "GET") response.end(request.url);
      else request.pipe(response);
    });
    const first = await fetch(`${origin}/1`);
    expect(first.headers.get("x-version")).toBe("2.0");
    expect(await first.text()).toBe("/1");
    const posted = await fetch(`${origin}/2`, { method: "POST", body: "x".repeat(200_000) });
    expect((await posted.text()).length).toBe(200_000);
    expect(connections()).toBe(1);
    const distrusting = new HttpTransport(near);
    onTestFinished(() => distrusting.close());
    await expect(makeFetch(distrusting)(origin)).rejects.toMatchObject({
      message: "fetch failed",
    });
  });

  it.each<[string, number, string, "answers early" | "reads first"]>([
    ["nothing", 200, "", "answers early"],
    ["nothing", 201, "", "reads first"],
    ["no content", 204, "", "answers early"],
    ["trailers alone", 200, "", "reads first"],
    ["a body and trailers", 200, "body", "reads first"],
  ])("takes %s for an answer over HTTP/2, %i", async (what, status, body, when) => {
    const { origin, fetch, connections } = await secureWeb(async (request, response) => {
      if (when === "reads first") for await (const _ of request);
      response.writeHead(status);
      if (what.includes("trailers")) response.addTrailers({ "x-trailer": "last" });
      response.end(body);
    });
    for (const init of [{}, { method: "POST", body: "posted" }]) {
      const response = await fetch(origin, init);
      expect([response.status, await response.text()]).toEqual([status, body]);
    }
    expect(connections()).toBe(1);
  });

  it("speaks HTTP/1.1 over TLS where the server knows no other", async () => {
    const { near, far } = pair();
    const { cert, key } = certificate("far.internal");
    const plain = createServer((request, response) => response.end(`secure ${request.url}`));
    const secure = createTlsServer({ cert, key }, (socket) => plain.emit("connection", socket));
    const port = await inside(far, (socket) => secure.emit("connection", socket));
    const transport = new HttpTransport(near, { ca: cert });
    onTestFinished(() => transport.close());
    const fetch = makeFetch(transport);
    for (const path of ["/1", "/2"])
      expect(await (await fetch(`https://far.internal:${port}${path}`)).text()).toBe(`secure ${path}`);
  });
});
