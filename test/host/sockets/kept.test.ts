/** Kept connections that end while the next request is on its way, as servers end those that were idle for long. */
import {
  constants,
  createSecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { describe, expect, it, onTestFinished } from "vitest";
import { runtime } from "../../../host/platform.ts";
import { makeFetch } from "../../../host/sockets/http/fetch.ts";
import { HttpTransport } from "../../../host/sockets/http/transport.ts";
import type { TunnelSocket } from "../../../host/sockets/socket.ts";
import { certificate } from "../../support/certificate.ts";
import { inside } from "./support/inside.ts";
import { pair } from "./support/pair.ts";

type End = (socket: TunnelSocket) => void;

/** A server that answers the first request of each connection, and ends it when the second one comes: they cross. */
async function forgetful(end: End, from = 2) {
  const { near, far } = pair();
  const seen: string[] = [];
  let connections = 0;
  const port = await inside(far, (socket) => {
    const connection = ++connections;
    let requests = 0;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const line = String(chunk).split("\r\n")[0]!;
      seen.push(`${connection}: ${line.replace(" HTTP/1.1", "")}`);
      requests += 1;
      if (requests >= from) end(socket);
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const transport = new HttpTransport(near);
  onTestFinished(() => transport.close());
  const fetch = makeFetch(transport);
  return { seen, fetch, url: (path: string) => `http://far.internal:${port}${path}` };
}

const ENDS: [string, End][] = [
  ["reset", (socket) => void socket.resetAndDestroy()],
  ["ended", (socket) => void socket.end()],
];

describe("a request whose kept connection is ended", () => {
  it.each(ENDS)("is sent once more on a new one when it may be: %s", async (_, end) => {
    const { fetch, seen, url } = await forgetful(end);
    expect(await (await fetch(url("/1"))).text()).toBe("ok");
    expect(await (await fetch(url("/2"))).text()).toBe("ok");
    expect(seen).toEqual(["1: GET /1", "1: GET /2", "2: GET /2"]);
    const deleted = await fetch(url("/3"), { method: "DELETE" });
    expect(deleted.status).toBe(200);
    await deleted.text();
  });

  it.each(ENDS)("is not, when it has a body or may not be done twice, and says why: %s", async (_, end) => {
    const { fetch, seen, url } = await forgetful(end);
    for (const init of [{ method: "POST" }, { method: "POST", body: "b" }, { method: "PUT", body: "b" }]) {
      await (await fetch(url("/first"))).text();
      seen.length = 0;
      if (runtime() === "deno") {
        // There they never go out on a kept connection, which its client would try again.
        await (await fetch(url("/once"), init)).text();
        expect(seen).toEqual([expect.stringMatching(/\/once$/)]);
        continue;
      }
      await expect(fetch(url("/once"), init)).rejects.toMatchObject({
        name: "TypeError",
        message: "fetch failed",
        cause: { name: "KeptConnectionError", code: "ECONNRESET", seen: "unknown" },
      });
      expect(seen).toHaveLength(1);
    }
  });

  it.each(ENDS)("is sent twice at most, and a first connection gets no second try: %s", async (_, end) => {
    const { fetch, seen, url } = await forgetful(end, 1);
    await expect(fetch(url("/1"))).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(seen).toEqual(["1: GET /1"]);
  });

  it("is not sent again once its sender has given it up", async () => {
    const controller = new AbortController();
    const { fetch, seen, url } = await forgetful((socket) => {
      controller.abort();
      socket.resetAndDestroy();
    });
    await (await fetch(url("/1"))).text();
    await expect(fetch(url("/2"), { signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
    // Deno's client tries again whatever happens; nobody hears of it.
    if (runtime() !== "deno") expect(seen).toEqual(["1: GET /1", "1: GET /2"]);
  });
});

type Serve = (session: Http2Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A server of HTTP/2. */
async function sessions(serve: Serve) {
  const { near, far } = pair();
  const { cert, key } = certificate("far.internal");
  const server = createSecureServer({ cert, key });
  server.on("session", (session) => {
    session.on("error", () => {});
    session.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      serve(session, stream, headers);
    });
  });
  const accepted: TunnelSocket[] = [];
  const port = await inside(far, (socket) => {
    accepted.push(socket.on("error", () => {}));
    server.emit("connection", socket);
  });
  onTestFinished(() => void server.close());
  const transport = new HttpTransport(near, { ca: cert });
  onTestFinished(() => transport.close());
  return {
    fetch: makeFetch(transport),
    url: (path: string) => `https://far.internal:${port}${path}`,
    connections: () => accepted.length,
    latest: () => accepted.at(-1),
  };
}

it("a request on a kept session of HTTP/2 is sent once more, one that the server refuses even with a body", async () => {
  const seen: string[] = [];
  const requests = new Map<Http2Session, number>();
  let atSecond: (session: Http2Session, streamId: number) => void = () => {};
  const { fetch, url, latest } = await sessions((session, stream, headers) => {
    const count = (requests.get(session) ?? 0) + 1;
    requests.set(session, count);
    seen.push(`${requests.size}: ${headers[":method"]} ${headers[":path"]}`);
    if (count === 2) return atSecond(session, stream.id!);
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  const ask = async (path: string, init = {}) => (await fetch(url(path), init)).text();

  // Everything up to the first request of the session has been looked at, and no more.
  atSecond = (session, id) => {
    session.goaway(0, id - 2);
    setImmediate(() => session.destroy());
  };
  expect(await ask("/1")).toBe("ok");
  expect(await ask("/2", { method: "POST", body: "b" })).toBe("ok");
  expect(seen).toEqual(["1: GET /1", "1: POST /2", "2: POST /2"]);

  atSecond = () => void latest()?.resetAndDestroy();
  expect(await ask("/3")).toBe("ok");
  seen.length = 0;
  await expect(ask("/4", { method: "POST" })).rejects.toMatchObject({
    cause: { name: "KeptConnectionError", seen: "unknown" },
  });
  expect(seen).toHaveLength(1);
});

describe("requests whose session of HTTP/2 ends under all of them", () => {
  const MANY = 50;

  /** The first session answers one request, and its connection ends when it has all the others. */
  async function crowded() {
    let first: Http2Session | undefined;
    let requests = 0;
    const server = await sessions((session, stream) => {
      first ??= session;
      if (session === first && ++requests > 1) {
        if (requests === MANY + 1) server.latest()?.resetAndDestroy();
        return;
      }
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    await (await server.fetch(server.url("/"))).text();
    return server;
  }

  it("share the next one", async () => {
    const { fetch, url, connections } = await crowded();
    const ask = async () => (await fetch(url("/"))).text();
    expect(await Promise.all(Array.from({ length: MANY }, ask))).toEqual(Array(MANY).fill("ok"));
    expect(connections()).toBe(2);
  });

  it("share it also when some are given up meanwhile, the first of them too", async () => {
    const { fetch, url, connections } = await crowded();
    const controller = new AbortController();
    const ask = async (_: unknown, i: number) =>
      (await fetch(url("/"), { ...(i < 10 && { signal: controller.signal }) })).text();
    const asked = Array.from({ length: MANY }, ask);
    const ended = Promise.allSettled(asked);
    await expect.poll(() => connections(), { interval: 1 }).toBe(2);
    controller.abort();
    const texts = (await ended).map((end) => (end.status === "fulfilled" ? end.value : end.reason.name));
    expect(texts.slice(10)).toEqual(Array(MANY - 10).fill("ok"));
    expect(connections()).toBe(2);
  });
});

// Bun's server tells no reason when it ends a stream; what its client makes of one is in hostile-http2.test.ts.
const refuses = runtime() !== "bun";

if (refuses)
  describe("a request that an HTTP/2 server refuses unseen, in a session that goes on,", () => {
    /** A server that refuses the first requests for "/refused". */
    async function refusing(times: number) {
      const seen: string[] = [];
      const { fetch, url, connections } = await sessions((_, stream, headers) => {
        seen.push(`${headers[":method"]} ${headers[":path"]}`);
        if (headers[":path"] === "/refused" && times-- > 0) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
        stream.respond({ ":status": 200 });
        stream.end("ok");
      });
      return { fetch, url, seen, connections };
    }

    it.each(["first", "kept"])("is sent once more there, also with a body, on a %s one", async (session) => {
      const { fetch, url, seen, connections } = await refusing(1);
      if (session === "kept") await (await fetch(url("/"))).text();
      seen.length = 0;
      const response = await fetch(url("/refused"), { method: "POST", body: "b" });
      expect(await response.text()).toBe("ok");
      expect(seen).toEqual(["POST /refused", "POST /refused"]);
      expect(connections()).toBe(1);
    });

    it.each([
      ["has a stream for a body", 1, () => new Blob(["b"]).stream(), 1],
      ["is refused again", 2, () => "b", 2],
    ])("fails as unseen when it %s", async (_, times, body, sent) => {
      const { fetch, url, seen } = await refusing(times);
      const asked = fetch(url("/refused"), { method: "POST", body: body(), duplex: "half" } as RequestInit);
      await expect(asked).rejects.toMatchObject({
        cause: { name: "KeptConnectionError", code: "ECONNRESET", seen: "unseen" },
      });
      expect(seen).toHaveLength(sent);
    });
  });
