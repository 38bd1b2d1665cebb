import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { serveHttpProxy } from "../../../../host/proxy/http/server.ts";
import { Login } from "../../../../host/proxy/login.ts";
import { certificate } from "../../../support/certificate.ts";
import { ANY, bed, converse, echoServer } from "../support/bench.ts";

async function start(options: { login?: Login } = {}, limits: Parameters<typeof bed>[0] = {}) {
  const test = bed(limits);
  test.way.names.set("web.internal", "127.0.0.1");
  const listener = await serveHttpProxy(test.context, { bind: ANY, ...options });
  onTestFinished(() => listener.close());
  return { ...test, listener, port: listener.address.port };
}

/** A client that keeps its connection. */
async function talker(port: number) {
  const socket = connect({ port, host: "127.0.0.1" });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  await new Promise((done) => socket.once("connect", done));
  /** @returns all that comes, once it has what `until` matches */
  const ask = (request: string, until: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = "";
      const gone = (): void => reject(new Error(`closed after ${text}`));
      const more = (chunk: Buffer): void => {
        text += chunk.toString("latin1");
        if (!new RegExp(until).test(text)) return;
        socket.off("data", more).off("close", gone);
        resolve(text);
      };
      socket.on("data", more).once("close", gone);
      socket.write(request);
    });
  return { socket, ask };
}

/** @param connected is told of each connection; what it returns is called at its end */
async function webServer(serve: RequestListener, connected?: () => () => void): Promise<number> {
  const server = createServer(serve);
  if (connected !== undefined) server.on("connection", (socket) => socket.once("close", connected()));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that answers whatever comes with `answer`, and keeps the connection. @returns its port, and all that came */
async function rawServer(answer: string): Promise<{ port: number; came(): string }> {
  let came = "";
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      came += chunk.toString("latin1");
      socket.write(answer, "latin1");
    });
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, came: () => came };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const lines = (...parts: string[]): string => `${parts.join("\r\n")}\r\n\r\n`;

describe("CONNECT", () => {
  it("opens a tunnel, what came with the request first, and passes half-close on", async () => {
    const { port } = await start();
    const target = `web.internal:${await echoServer()}`;
    const { text } = await converse(port, [`${lines(`CONNECT ${target} HTTP/1.1`, `Host: ${target}`)}early`, " late"]);
    expect(text).toBe("HTTP/1.1 200 Connection established\r\n\r\necho:early late");
  });

  it.each([
    ["a port that refuses", "web.internal:1", "HTTP/1.1 502"],
    ["a name that is unknown", "nowhere.internal:80", "HTTP/1.1 502"],
    ["no port", "web.internal", "HTTP/1.1 400"],
    ["port 0", "web.internal:0", "HTTP/1.1 400"],
    ["an address without brackets", "fd00::1:80", "HTTP/1.1 400"],
  ])("answers %s", async (_, authority, status) => {
    const { port } = await start();
    const { text } = await converse(port, [lines(`CONNECT ${authority} HTTP/1.1`, "Host: x")], "stay");
    expect(text.startsWith(status)).toBe(true);
  });

  it("tells a timeout as one", async () => {
    const { port, way } = await start({}, { connectMs: 20 });
    way.connect = () => new Socket();
    const { text } = await converse(port, [lines("CONNECT 10.0.0.9:80 HTTP/1.1", "Host: x")], "stay");
    expect(text.startsWith("HTTP/1.1 504")).toBe(true);
  });
});

describe("a plain request", () => {
  it("goes on with its body, its path and the target's own Host, without what concerned the proxy", async () => {
    const { port } = await start();
    let seen: unknown;
    const web = await webServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        seen = { method: request.method, url: request.url, headers: request.headers, body };
        response.writeHead(201, { "set-cookie": ["a=1", "b=2"], connection: "x-hop", "x-hop": "1" }).end("done");
      });
    });
    const request = lines(
      `POST http://web.internal:${web}/a/b?c=d HTTP/1.1`,
      "Host: evil.example",
      "Content-Length: 5",
      "Connection: close, X-Secret",
      "X-Secret: 1",
      "Proxy-Connection: keep-alive",
      "X-Two: 1",
      "X-Two: 2",
    );
    const { text } = await converse(port, [request, "hello"], "stay");
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
    expect(text).toMatch(/set-cookie: a=1\r\nset-cookie: b=2/i);
    expect(text).not.toMatch(/x-hop/i);
    expect(text).toContain("done");
    expect(seen).toMatchObject({
      method: "POST",
      url: "/a/b?c=d",
      body: "hello",
      headers: { host: `web.internal:${web}`, via: "1.1 wasmguard", "x-two": "1, 2" },
    });
    expect((seen as { headers: object }).headers).not.toHaveProperty("x-secret");
    expect((seen as { headers: object }).headers).not.toHaveProperty("proxy-connection");
  });

  it("tells whose hands it went through, and its answer, in the order in which they did", async () => {
    const { port } = await start();
    let seen: unknown;
    const web = await webServer((request, response) => {
      seen = request.headers.via;
      response.writeHead(200, { via: "1.1 cache" }).end();
    });
    const request = lines(
      `GET http://web.internal:${web}/ HTTP/1.0`,
      ...["Via: 1.0 fred, 1.1 a.example (Apache/1.1)", "Via: 1.1 b.example", "Connection: close"],
    );
    const { text } = await converse(port, [request], "stay");
    expect(seen).toBe("1.0 fred, 1.1 a.example (Apache/1.1), 1.1 b.example, 1.0 wasmguard");
    expect(text.match(/^via: .*(?=\r$)/gim)).toEqual(["via: 1.1 cache, 1.1 wasmguard"]);
  });

  it("serves several on one connection", async () => {
    const { port } = await start();
    const web = await webServer((request, response) => response.end(`[${request.url}]`));
    const get = (path: string, more: string) =>
      lines(`GET http://web.internal:${web}${path} HTTP/1.1`, "Host: x", more);
    const { text } = await converse(port, [get("/1", "X: y"), get("/2", "Connection: close")], "stay");
    expect(text).toMatch(/\[\/1\][\s\S]*\[\/2\]/);
  });

  it("is not taken for one in a form that leads nowhere", async () => {
    const { port, way } = await start();
    for (const url of [
      "/",
      "https://web.internal/",
      "ftp://web.internal/",
      "http://ann:pw@web.internal/",
      "http:///",
    ]) {
      const { text } = await converse(port, [lines(`GET ${url} HTTP/1.1`, "Host: x", "Connection: close")], "stay");
      expect(text, url).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(way.asked).toEqual([]);
  });

  it.each([
    ["two lengths", ["Content-Length: 5", "Content-Length: 6"]],
    ["a length and a coding", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
    ["a coding that hides chunked", ["Transfer-Encoding: xchunked"]],
    ["a coding behind another", ["Transfer-Encoding: gzip, chunked"]],
    ["a length with a sign", ["Content-Length: +5"]],
  ])("whose length is ambiguous goes nowhere: %s", async (_, fields) => {
    const { port, way } = await start();
    const request = lines("POST http://web.internal/ HTTP/1.1", "Host: x", ...fields, "Connection: close");
    const { text } = await converse(port, [request, "5\r\nhello\r\n0\r\n\r\n"], "stay");
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(way.asked).toEqual([]);
  });

  it("is sent again when the connection that was kept for it ends in that moment", async () => {
    const { port } = await start();
    let asked = 0;
    const web = await webServer((request, response) => {
      asked += 1;
      if (asked === 2) return void request.socket.destroy();
      response.end(`answer ${asked}`);
    });
    const request = (method: string, ...fields: string[]) =>
      lines(`${method} http://web.internal:${web}/ HTTP/1.1`, "Host: x", ...fields);
    const client = await talker(port);
    expect(await client.ask(request("GET"), "answer 1")).toMatch(/^HTTP\/1.1 200/);
    expect(await client.ask(request("GET"), "answer 3")).toMatch(/^HTTP\/1.1 200/);
    asked = 1;
    expect(await client.ask(request("POST", "Content-Length: 0"), "reset|refused|general")).toMatch(/^HTTP\/1.1 502/);
  });

  it("that its client has given up is not sent again", async () => {
    const { port, connections } = await start();
    const paths: string[] = [];
    const web = await webServer((request, response) => {
      paths.push(request.url!);
      if (request.url === "/fast") response.end("fast");
    });
    const get = (path: string) => lines(`GET http://web.internal:${web}${path} HTTP/1.1`, "Host: x");
    const client = await talker(port);
    await client.ask(get("/fast"), "fast");
    client.socket.write(get("/slow"));
    await expect.poll(() => paths, { timeout: 20_000 }).toEqual(["/fast", "/slow"]);
    client.socket.destroy();
    await expect.poll(() => connections.open, { timeout: 20_000 }).toBe(0);
    const other = await talker(port);
    await other.ask(get("/fast"), "fast");
    expect(paths).toEqual(["/fast", "/slow", "/fast"]);
  });

  it("uses no connection that another client's request has used", async () => {
    const { port } = await start();
    const known = new WeakSet<object>();
    const web = await webServer((request, response) => {
      // As with NTLM and Negotiate: who has logged in once is known on this connection.
      if (request.headers.authorization !== undefined) known.add(request.socket);
      response.end(known.has(request.socket) ? "for ann only" : "who are you?");
    });
    const get = (...fields: string[]) => lines(`GET http://web.internal:${web}/ HTTP/1.1`, "Host: x", ...fields);
    const [ann, stranger] = [await talker(port), await talker(port)];
    await ann.ask(get("Authorization: Negotiate x"), "for ann only");
    await ann.ask(get(), "for ann only");
    expect(await stranger.ask(get(), "for ann only|who are you\\?")).toMatch(/who are you\?$/);
    ann.socket.end();
    await new Promise((done) => ann.socket.once("close", done));
    const next = await talker(port);
    expect(await next.ask(get(), "for ann only|who are you\\?")).toMatch(/who are you\?$/);
  });

  it("leaves no connection behind when its client goes", async () => {
    const { port } = await start();
    let open = 0;
    const web = await webServer(
      (_, response) => response.end("here"),
      () => {
        open += 1;
        return () => {
          open -= 1;
        };
      },
    );
    const client = await talker(port);
    await client.ask(lines(`GET http://web.internal:${web}/ HTTP/1.1`, "Host: x"), "here");
    expect(open).toBe(1);
    client.socket.end();
    await expect.poll(() => open, { timeout: 20_000 }).toBe(0);
  });

  it("whose connection is not made yet ends with its client", async () => {
    const warned: Error[] = [];
    const warn = (warning: Error): void => void warned.push(warning);
    process.on("warning", warn);
    onTestFinished(() => void process.off("warning", warn));
    const { port, way } = await start();
    let connecting = 0;
    way.connect = () => {
      connecting += 1;
      // Nobody ever answers.
      return new Socket().once("close", () => {
        connecting -= 1;
      });
    };
    const { socket } = await talker(port);
    socket.write(Array.from({ length: 16 }, (_, i) => lines(`GET http://10.0.0.${i}/ HTTP/1.1`, "Host: x")).join(""));
    await expect.poll(() => connecting, { timeout: 10_000 }).toBe(16);
    socket.destroy();
    await expect.poll(() => connecting, { timeout: 10_000 }).toBe(0);
    expect(warned).toEqual([]);
  });

  it("is answered though the proxy is asked to end meanwhile, and is the last one then", async () => {
    const { port, connections, listener } = await start();
    const answers: (() => void)[] = [];
    const web = await webServer((_, response) => void answers.push(() => response.end("after all")));
    const client = await talker(port);
    const answered = client.ask(lines(`GET http://web.internal:${web}/ HTTP/1.1`, "Host: x"), "after all");
    await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(1);
    listener.close();
    const ended = new Promise((done) => client.socket.once("end", done));
    answers[0]!();
    expect(await answered).toMatch(/^HTTP\/1.1 200/);
    // Long before a connection that waits for the next request is closed.
    await ended;
    await expect.poll(() => connections.open, { timeout: 20_000 }).toBe(0);
  });

  it("that is answered by half is cut here too", async () => {
    const { port } = await start();
    const web = await webServer((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    });
    const { text } = await converse(port, [lines(`GET http://web.internal:${web}/ HTTP/1.1`, "Host: x")], "stay");
    expect(text).toContain("half");
    expect(text).not.toContain("\r\n0\r\n");
  });

  it.each(["GET", "HEAD", "DELETE", "OPTIONS", "POST"])(
    "of %s keeps its body apart from the next request",
    async (method) => {
      const { port } = await start();
      const web = await rawServer(OK);
      const hidden = lines("GET /hidden HTTP/1.1", "Host: web.internal");
      const body = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
      const head = [`${method} http://web.internal:${web.port}/ HTTP/1.1`, "Host: x", "Transfer-Encoding: chunked"];
      await converse(port, [lines(...head, "Connection: close") + body], "stay");
      expect(web.came()).toContain(body);
      expect(web.came()).toMatch(/^transfer-encoding: chunked$/im);
    },
  );

  it.each([
    ["OPTIONS", "3", /^max-forwards: 2\r$/im],
    ["TRACE", "1", /^max-forwards: 0\r$/im],
    ["OPTIONS", "9".repeat(30), /^max-forwards: 254\r$/im],
    ["OPTIONS", "-1", /^max-forwards: -1\r$/im],
    ["GET", "0", /^max-forwards: 0\r$/im],
  ])("of %s with Max-Forwards: %s goes on with one less, where that counts", async (method, hops, expected) => {
    const { port } = await start();
    const web = await rawServer(OK);
    const head = [`${method} http://web.internal:${web.port}/ HTTP/1.1`, "Host: x", `Max-Forwards: ${hops}`];
    expect((await converse(port, [lines(...head, "Connection: close")], "stay")).text).toMatch(/^HTTP\/1\.1 200 /);
    expect(web.came()).toMatch(expected);
  });

  it.each([
    ["OPTIONS", "/", [], "200"],
    ["TRACE", "/", [], "405"],
    ["OPTIONS", "/", ["Connection: Upgrade", "Upgrade: websocket"], "400"],
  ])("of %s for %s that may go no further is answered by the proxy", async (method, path, more, status) => {
    const { port } = await start();
    const web = await rawServer(OK);
    const url = `http://web.internal:${web.port}${path}`;
    const request = lines(`${method} ${url} HTTP/1.1`, "Host: x", "Max-Forwards: 0", "X-Told: secret", ...more);
    const { text } = await converse(port, [request], "stay");
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    if (status !== "400") expect(text).toMatch(/^allow: /im);
    expect(text).not.toContain("secret");
    expect(web.came()).toBe("");
  });

  it.each([
    ["a status of no kind", "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok"],
    ["control characters in its reason", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok"],
    [
      "a coding that the client would not hear of",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
  ])("that is answered with %s gets 502, and the proxy lives on", async (_, answer) => {
    const { port } = await start();
    for (const fields of [["Host: x"], ["Host: x", "Connection: Upgrade", "Upgrade: websocket"]]) {
      const web = await rawServer(answer);
      const request = lines(`GET http://web.internal:${web.port}/ HTTP/1.1`, ...fields);
      expect((await converse(port, [request], "stay")).text).toMatch(/^HTTP\/1\.1 502 /);
    }
  });

  it("that is answered in another protocol, which it did not ask for, gets 502", async () => {
    const { port } = await start();
    const web = await rawServer(lines("HTTP/1.1 101 Switching", "Connection: Upgrade", "Upgrade: websocket"));
    const request = lines(`GET http://web.internal:${web.port}/ HTTP/1.1`, "Host: x");
    expect((await converse(port, [request], "stay")).text).toMatch(/^HTTP\/1\.1 502 /);
  });

  it("keeps its path as it is", async () => {
    const { port } = await start();
    const web = await rawServer(OK);
    for (const path of ["/a/../%2e%2e/b?c=../d", "?e", ""]) {
      const request = lines(`GET http://web.internal:${web.port}${path} HTTP/1.1`, "Host: x", "Connection: close");
      await converse(port, [request], "stay");
    }
    expect(web.came().match(/^GET .*$/gm)).toEqual(
      ["/a/../%2e%2e/b?c=../d", "/?e", "/"].map((path) => `GET ${path} HTTP/1.1`),
    );
  });

  it("is not one of hundreds that one connection asks for at once", async () => {
    const { port, way } = await start();
    const direct = way.connect;
    let opened = 0;
    way.connect = (target) => {
      opened += 1;
      return direct(target);
    };
    const web = await rawServer("");
    const request = lines(`GET http://web.internal:${web.port}/ HTTP/1.1`, "Host: x");
    expect(await converse(port, [request.repeat(200)], "stay")).toEqual({ text: "", reset: true });
    expect(opened).toBeLessThanOrEqual(16);
  });

  it("that asks for another protocol in vain is the last one for that server: nothing else goes there", async () => {
    const { port } = await start({ login: new Login("me", "secret") });
    const login = `Proxy-Authorization: Basic ${btoa("me:secret")}`;
    const web = await rawServer(OK);
    const first = lines(
      `GET http://web.internal:${web.port}/ HTTP/1.1`,
      "Host: x",
      login,
      "Connection: Upgrade",
      "Upgrade: h2c",
    );
    const { text } = await converse(port, [first, lines("GET http://other/ HTTP/1.1", "Host: other", login)], "stay");
    expect(text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*connection: close\r\n\r\nok$/);
    expect(web.came()).not.toMatch(/other|proxy-authorization/i);
  });

  it("has no body beside the wish for another protocol", async () => {
    const { port } = await start();
    const head = ["POST http://web.internal:1/ HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: h2c"];
    const { text } = await converse(port, [`${lines(...head, "Content-Length: 2")}ok`]);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("may ask for WebSocket", async () => {
    const { port } = await start();
    const server = createServer();
    server.on("upgrade", (request, socket) => {
      const head = lines("HTTP/1.1 101 Switching", "Connection: Upgrade", `Upgrade: ${request.headers.upgrade}`);
      socket.end(`${head}frames of ${request.url}`);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const web = (server.address() as AddressInfo).port;
    const request = lines(
      `GET http://web.internal:${web}/ws HTTP/1.1`,
      "Host: x",
      "Connection: Upgrade",
      "Upgrade: websocket",
    );
    const { text } = await converse(port, [request]);
    expect(text).toMatch(/^HTTP\/1\.1 101 [\s\S]*upgrade: websocket[\s\S]*frames of \/ws$/);
  });
});

describe("a proxy that is not for everybody", () => {
  const basic = (login: string): string => `Proxy-Authorization: Basic ${Buffer.from(login).toString("base64")}`;

  it("wants the right user and password for every kind of request", async () => {
    const { port, way } = await start({ login: new Login("ann", "pass:word") });
    const target = `web.internal:${await echoServer()}`;
    const open = (...fields: string[]) =>
      converse(port, [lines(`CONNECT ${target} HTTP/1.1`, "Host: x", ...fields), "x"], "end");
    expect((await open(basic("ann:pass:word"))).text).toContain("echo:x");
    for (const fields of [
      [],
      [basic("ann:password")],
      [basic("ann")],
      ["Proxy-Authorization: Basic ???"],
      ["Proxy-Authorization: Bearer x"],
    ]) {
      const { text } = await open(...fields);
      expect(text).toMatch(/^HTTP\/1\.1 407 [\s\S]*Proxy-Authenticate: Basic realm=/);
    }
    const before = way.asked.length;
    const plain = lines("GET http://web.internal/ HTTP/1.1", "Host: x", "Connection: close");
    expect((await converse(port, [plain], "stay")).text).toMatch(/^HTTP\/1\.1 407 /);
    const upgrade = lines("GET http://web.internal/ HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket");
    expect((await converse(port, [upgrade], "stay")).text).toMatch(/^HTTP\/1\.1 407 /);
    expect(way.asked.length).toBe(before);
  });

  it("does not hear a client that was wrong too often, for a while", async () => {
    const { port, way } = await start({ login: new Login("ann", "secret") });
    const connecting = (login: string) => lines("CONNECT web.internal:1 HTTP/1.1", "Host: x", basic(login));
    const plain = (login: string) =>
      lines("GET http://web.internal:1/ HTTP/1.1", "Host: x", "Connection: close", basic(login));
    const say = async (words: string): Promise<string> => (await converse(port, [words], "stay")).text;
    for (let i = 0; i < 10; i++) {
      const login = `ann:guess${i}`;
      expect(await say(i % 2 === 0 ? connecting(login) : plain(login))).toMatch(/^HTTP\/1\.1 407 /);
    }
    for (const words of [connecting("ann:secret"), plain("ann:secret")])
      expect(await say(words)).toMatch(/^HTTP\/1\.1 429 [\s\S]*Wait a minute/);
    expect(way.asked).toEqual([]);
  });

  it.each([
    ["is refused", lines("CONNECT web.internal:1 HTTP/1.1", "Host: x")],
    ["speaks something else", "nonsense\r\n\r\n"],
    ["says nothing", ""],
  ])("parts with a client that %s and stays", async (_, words) => {
    const { port, connections } = await start({ login: new Login("me", "secret") }, { requestMs: 500 });
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => client.write(words));
    onTestFinished(() => void client.destroy());
    client.on("error", () => {}).resume();
    await new Promise((done) => client.once("end", done));
    await expect.poll(() => connections.open, { timeout: 20_000 }).toBe(0);
  });

  async function startTls(limits: Parameters<typeof bed>[0] = {}) {
    const test = bed(limits);
    test.way.names.set("web.internal", "127.0.0.1");
    const tls = certificate("proxy");
    const listener = await serveHttpProxy(test.context, { bind: ANY, tls });
    onTestFinished(() => listener.close());
    const { port } = listener.address;
    const options = { port, host: "127.0.0.1", ca: tls.cert, servername: "proxy", allowHalfOpen: true };
    const socket = connectTls(options);
    onTestFinished(() => void socket.destroy());
    return { ...test, socket };
  }

  it("lives on when a server resets, or a client is idle, over TLS", async () => {
    const { connections, socket } = await startTls({ idleMs: 1000 });
    const server = createTcpServer((client) => client.once("data", () => client.resetAndDestroy()));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const closed = new Promise((done) => socket.once("close", done));
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.write(lines(`CONNECT web.internal:${(server.address() as AddressInfo).port} HTTP/1.1`, "Host: x"));
    await new Promise((done) => socket.once("data", done));
    socket.write("what it resets at");
    await closed;
    await expect.poll(() => connections.open, { timeout: 10_000 }).toBe(0);
    const { connections: others, socket: idle } = await startTls({ idleMs: 1000 });
    idle.on("error", () => {}).on("end", () => idle.end());
    idle.resume();
    await new Promise((done) => idle.once("close", done));
    await expect.poll(() => others.open, { timeout: 10_000 }).toBe(0);
  });

  it("is reached over TLS where it has a certificate", async () => {
    const { socket } = await startTls();
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.write(lines(`CONNECT web.internal:${await echoServer()} HTTP/1.1`, "Host: x"));
    await expect.poll(() => text, { timeout: 10_000 }).toContain("200 Connection established");
    socket.end("secret");
    await expect.poll(() => text, { timeout: 10_000 }).toContain("echo:secret");
  });
});

it("ends headers without end, and outlives whatever a client may send", async () => {
  const { port, connections } = await start({}, { requestMs: 300 });
  const huge = await converse(port, [`GET http://a/ HTTP/1.1\r\nX: ${"y".repeat(40_000)}`], "stay");
  expect(huge.text === "" || huge.text.startsWith("HTTP/1.1 4")).toBe(true);
  const slow = await converse(port, ["GET http://a/ HTTP/1.1\r\nHost:"], "stay");
  expect(slow.text === "" || slow.text.startsWith("HTTP/1.1 4")).toBe(true);
  const piece = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 30 }),
    fc.constantFrom(
      "CONNECT ",
      "GET ",
      "http://",
      " HTTP/1.1\r\n",
      "Host: x\r\n",
      "\r\n",
      "Content-Length: 3\r\n",
      ":",
      "\0",
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
      await converse(port, pieces);
    }),
    { numRuns: 100 },
  );
  await expect.poll(() => connections.open, { timeout: 10_000 }).toBe(0);
}, 60_000);
