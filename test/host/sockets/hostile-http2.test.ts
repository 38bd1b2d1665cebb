/** HTTP/2 (RFC 9113) from servers and clients that mean harm, over sockets of a tunnel: requests fail, connections end, and nobody else notices. */
import { once } from "node:events";
import { connect as connectHttp2, createSecureServer } from "node:http2";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { runtime } from "../../../host/platform.ts";
import { makeFetch } from "../../../host/sockets/http/fetch.ts";
import { HttpTransport } from "../../../host/sockets/http/transport.ts";
import { TunnelSocket } from "../../../host/sockets/socket.ts";
import { certificate } from "../../support/certificate.ts";
import { inside } from "./support/inside.ts";
import { pair } from "./support/pair.ts";

const [DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, CONTINUATION] = [0, 1, 3, 4, 5, 6, 9];
const [END_STREAM, END_HEADERS] = [1, 4];
const REFUSED_STREAM = Buffer.from([0, 0, 0, 7]);
const CANCEL = Buffer.from([0, 0, 0, 8]);
/** What a flood may get rid of before its connection ends. */
const FLOOD_BYTES_MAX = 8 << 20;

/** What may wait in our socket for a flood that its client makes a server answer. */
const WAITING_BYTES_MAX = 1 << 20;

function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field that is in no table (RFC 7541 §6.2.2), shorter than 127 bytes each. */
function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** ":status: 200" is entry 8 of the static table. */
const OK = Buffer.from([0x88]);
const bomb = (fields: number): Buffer =>
  Buffer.concat(Array.from({ length: fields }, (_, i) => field(`x-${i}`, "v".repeat(100))));

/** Write again and again until the connection ends. @returns the bytes */
async function flood(socket: TLSSocket, chunk: Uint8Array): Promise<number> {
  let bytes = 0;
  const closed = new Promise((done) => socket.once("close", done));
  while (!socket.destroyed && bytes < FLOOD_BYTES_MAX) {
    bytes += chunk.length;
    const next = new Promise((done) => (socket.write(chunk) ? setImmediate(done) : socket.once("drain", done)));
    await Promise.race([closed, next]);
  }
  return bytes;
}

/** A server that speaks `attack` as soon as a request has come. */
async function attacked(attack: (socket: TLSSocket) => unknown, sessionIdleMs?: number) {
  const { near, far } = pair();
  const { cert, key } = certificate("far.internal");
  const evil = createTlsServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("error", () => {});
    socket.write(frame(SETTINGS, 0, 0));
    let heard = 0;
    const listen = (chunk: Buffer): void => {
      heard += chunk.length;
      // The preface has 24 bytes; a request comes behind it, at the latest with the second piece.
      if (heard < 100) return;
      socket.off("data", listen).resume();
      attack(socket);
    };
    socket.on("data", listen);
  });
  const good = createSecureServer({ cert, key }, (_, response) => response.end("good"));
  let connections = 0;
  const port = await inside(far, (socket) => {
    socket.on("error", () => {});
    connections += 1;
    evil.emit("connection", socket);
  });
  const goodPort = await inside(far, (socket) => good.emit("connection", socket));
  const transport = new HttpTransport(near, { ca: cert }, sessionIdleMs);
  onTestFinished(() => transport.close());
  const fetch = makeFetch(transport);
  return {
    ask: (init: RequestInit = {}) => fetch(`https://far.internal:${port}/`, init),
    connections: () => connections,
    /** Everybody else is served as ever. */
    others: async () => (await fetch(`https://far.internal:${goodPort}/`)).text(),
  };
}

/** Of some of these Node 20, Deno and Bun read on, or read no more, until the session has been idle for long. */
const endsSessions = runtime() === "node" && Number.parseInt(process.versions.node, 10) >= 22;
const SOON_MS = 2_000;
const within = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(SOON_MS) });

describe("a server that floods", () => {
  it.each<[string, (socket: TLSSocket) => Promise<number>]>([
    [
      "fields without an end",
      (socket) => {
        socket.write(frame(HEADERS, 0, 1, Buffer.concat([OK, bomb(100)])));
        return flood(socket, frame(CONTINUATION, 0, 1, bomb(100)));
      },
    ],
    [
      "empty continuations",
      (socket) => {
        socket.write(frame(HEADERS, 0, 1, OK));
        return flood(socket, Buffer.concat(Array(1000).fill(frame(CONTINUATION, 0, 1))));
      },
    ],
    [
      "more data than was asked for",
      (socket) => {
        socket.write(frame(HEADERS, END_HEADERS, 1, OK));
        return flood(socket, frame(DATA, 0, 1, Buffer.alloc(16_384)));
      },
    ],
    [
      "pushes that nobody wants",
      (socket) => flood(socket, frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.from([0, 0, 0, 2, 0x82]))),
    ],
    [
      "trailers without an end",
      (socket) => {
        socket.write(frame(HEADERS, END_HEADERS, 1, OK));
        socket.write(frame(HEADERS, END_STREAM, 1, bomb(100)));
        return flood(socket, frame(CONTINUATION, 0, 1, bomb(100)));
      },
    ],
    [
      "settings, whose answers it does not take",
      (socket) => flood(socket.pause(), Buffer.concat(Array(1000).fill(frame(SETTINGS, 0, 0)))),
    ],
    [
      "pings, whose answers it does not take",
      (socket) => flood(socket.pause(), Buffer.concat(Array(1000).fill(frame(PING, 0, 0, Buffer.alloc(8))))),
    ],
    [
      "resets of streams that were never opened",
      (socket) => flood(socket, Buffer.concat(Array(1000).fill(frame(RST_STREAM, 0, 99, CANCEL)))),
    ],
    ["what is no HTTP/2", (socket) => flood(socket, Buffer.alloc(65_536, 0xff))],
  ])("%s and the request fails, and its connection ends", async (_, attack) => {
    let flooded: Promise<number> | undefined;
    const { ask, others } = await attacked((socket) => {
      flooded = attack(socket);
    });
    const asked = ask(within()).then(async (response) => {
      // Who reads as fast as it comes asks for all of it.
      if (endsSessions) await flooded;
      return response.text();
    });
    await expect(asked).rejects.toThrow();
    if (endsSessions) expect(await flooded).toBeLessThan(FLOOD_BYTES_MAX);
    expect(await others()).toBe("good");
  });
});

describe("a server that never answers", () => {
  it.each<[string, (socket: TLSSocket) => void]>([
    ["sends half a frame", (socket) => void socket.write(frame(HEADERS, END_HEADERS, 1, bomb(10)).subarray(0, 50))],
    ["opens no window", (socket) => void socket.write(frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])))],
    [
      "sends pings",
      (socket) => {
        const pings = Buffer.concat(Array(100).fill(frame(PING, 0, 0, Buffer.alloc(8))));
        const timer = setInterval(() => socket.write(pings), 5);
        socket.once("close", () => clearInterval(timer));
      },
    ],
    [
      "says again and again that it will",
      (socket) => {
        // ":status: 103".
        const early = frame(HEADERS, END_HEADERS, 1, Buffer.concat([Buffer.from([0x08, 3]), Buffer.from("103")]));
        const timer = setInterval(() => socket.write(early), 5);
        socket.once("close", () => clearInterval(timer));
      },
    ],
  ])("%s, until the program gives up", async (_, attack) => {
    const { ask, others } = await attacked(attack);
    const controller = new AbortController();
    const asked = ask({ method: "POST", body: new Uint8Array(300_000), signal: controller.signal });
    setTimeout(() => controller.abort(), 300);
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(await others()).toBe("good");
  });

  it("refuses a request unseen, and has it once more in the same session", async () => {
    const { ask, connections } = await attacked((socket) => {
      socket.write(frame(RST_STREAM, 0, 1, REFUSED_STREAM));
      socket.on("data", (chunk: Buffer) => {
        // The head of a frame of the next stream.
        if (chunk.includes(Buffer.from([0, 0, 0, 3]))) socket.write(frame(HEADERS, END_HEADERS | END_STREAM, 3, OK));
      });
    });
    expect((await ask({ ...within(), method: "POST" })).status).toBe(200);
    expect(connections()).toBe(1);
  });

  it.each<[string, Buffer]>([
    ["pings", frame(PING, 0, 0, Buffer.alloc(8))],
    ["resets of what has ended", frame(RST_STREAM, 0, 1, CANCEL)],
  ])("goes on to send %s when nobody asks anything, and loses its connection", async (_, noise) => {
    let closed = false;
    const { ask } = await attacked((socket) => {
      socket.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, OK));
      const timer = setInterval(() => socket.write(noise), 5);
      socket.once("close", () => {
        clearInterval(timer);
        closed = true;
      });
    }, 100);
    expect(await (await ask(within())).text()).toBe("");
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(true);
  });

  it.each<[string, Buffer]>([
    ["an answer", OK],
    ["a compressed answer", Buffer.concat([OK, field("content-encoding", "gzip")])],
  ])("cancels %s: its body is cut off", async (_, fields) => {
    const { ask, others } = await attacked((socket) => {
      socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, 1, fields), frame(RST_STREAM, 0, 1, CANCEL)]));
    });
    await expect(ask(within()).then((response) => response.text())).rejects.toThrow(/cut off|fetch failed/);
    expect(await others()).toBe("good");
  });

  it.each<[string, (socket: TLSSocket) => unknown]>([
    ["cancels its stream", (socket) => socket.write(frame(RST_STREAM, 0, 1, CANCEL))],
    ["closes its connection", (socket) => socket.end()],
    ["drops its connection", (socket) => socket.destroy()],
  ])("%s behind a part of a body, plain or compressed: it is cut off", async (_, cut) => {
    for (const [fields, part] of [
      [OK, Buffer.from("half")],
      [Buffer.concat([OK, field("content-encoding", "gzip")]), gzipSync("half")],
    ] as const) {
      let server: TLSSocket | undefined;
      const { ask, others } = await attacked((socket) => {
        server = socket;
        socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, 1, fields), frame(DATA, 0, 1, part)]));
      });
      const reader = (await ask(within())).body!.getReader();
      expect(new TextDecoder().decode((await reader.read()).value)).toBe("half");
      const rest = reader.read();
      cut(server!);
      await expect(rest).rejects.toThrow("cut off");
      expect(await others()).toBe("good");
    }
  });

  it("resets every stream: each request fails by itself", async () => {
    const { ask, others } = await attacked((socket) => {
      socket.write(frame(RST_STREAM, 0, 1, CANCEL));
    });
    await expect(ask(within())).rejects.toMatchObject({ message: "fetch failed" });
    expect(await others()).toBe("good");
  });
});

describe("a client inside the tunnel", () => {
  it("that opens and resets thousands of streams ends at most its own connection", async () => {
    const { near, far } = pair();
    const { cert, key } = certificate("far.internal");
    const server = createSecureServer({ cert, key }, (_, response) => {
      response.on("error", () => {});
      response.end("served");
    });
    server.on("sessionError", () => {});
    const accepted: TunnelSocket[] = [];
    let mostWaiting = 0;
    const port = await inside(far, (socket) => {
      socket.on("error", () => {});
      accepted.push(socket);
      server.emit("connection", socket);
    });
    const raw = new TunnelSocket(near).connect({ host: "far.internal", port });
    const tls = connectTls({ socket: raw, ca: cert, servername: "far.internal", ALPNProtocols: ["h2"] });
    tls.on("error", () => {}).resume();
    onTestFinished(() => void tls.destroy());
    await once(tls, "secureConnect");
    tls.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    tls.write(frame(SETTINGS, 0, 0));
    // GET https / of the static table, and no authority.
    const request = Buffer.from([0x82, 0x87, 0x84]);
    for (let stream = 1; stream < 20_000 && !tls.destroyed; stream += 2) {
      mostWaiting = Math.max(mostWaiting, accepted[0]!.writableLength);
      tls.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, request));
      if (!tls.write(frame(RST_STREAM, 0, stream, CANCEL))) await new Promise((done) => setImmediate(done));
    }
    const session = connectHttp2(`https://far.internal:${port}`, {
      createConnection: () =>
        connectTls({
          socket: new TunnelSocket(near).connect({ host: "far.internal", port }),
          ca: cert,
          servername: "far.internal",
          ALPNProtocols: ["h2"],
        }),
    });
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    const stream = session.request({ ":path": "/" });
    let text = "";
    for await (const chunk of stream) text += chunk;
    expect(text).toBe("served");
    // Of what the flood makes the server say nothing piles up, and its connection goes without a trace.
    expect(mostWaiting).toBeLessThan(WAITING_BYTES_MAX);
    tls.destroy();
    session.destroy();
    await expect.poll(() => accepted.map(({ destroyed }) => destroyed), { timeout: 10_000 }).toEqual([true, true]);
    expect([...near.open].filter((one) => one instanceof TunnelSocket)).toEqual([]);
    expect([...far.open].filter((one) => one instanceof TunnelSocket)).toEqual([]);
  });
});
