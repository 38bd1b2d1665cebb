/** ws, client against server, with and without TLS. */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { makeCertificate } from "./support/certificate.ts";
import { HOST, reach } from "./support/reach.ts";

/** Says everything back. @returns its port */
async function echo(http: ReturnType<typeof createServer>): Promise<number> {
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket: Untyped) => {
    socket.on("message", (data: Buffer, binary: boolean) => socket.send(data, { binary }));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
    http.close();
  });
  return (http.address() as AddressInfo).port;
}

describe("ws through a tunnel", () => {
  it("talks in small and large messages, answers pings, and closes with a code", async () => {
    const port = await echo(createServer());
    const network = await reach(port);
    const socket = new WebSocket(`ws://${HOST}:${port}/`, { agent: network.httpAgent });
    await once(socket, "open");
    for (const message of [Buffer.from("hello"), Buffer.alloc(3_000_000, 7)]) {
      const answer = once(socket, "message");
      socket.send(message);
      expect((await answer)[0].equals(message)).toBe(true);
    }
    const pong = once(socket, "pong");
    socket.ping("x");
    expect((await pong)[0].toString()).toBe("x");
    const closed = once(socket, "close");
    socket.close(4000, "enough");
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([4000, "enough"]);
  });

  it("talks over TLS, with the certificate checked by name", async () => {
    const certificate = makeCertificate();
    const port = await echo(createTlsServer(certificate));
    const network = await reach(port);
    const options = { agent: network.httpsAgent };
    const socket = new WebSocket(`wss://${HOST}:${port}/`, { ...options, ca: certificate.cert });
    await once(socket, "open");
    const answer = once(socket, "message");
    socket.send("hello");
    expect((await answer)[0].toString()).toBe("hello");
    socket.close();
    await once(socket, "close");
    const distrustful = new WebSocket(`wss://${HOST}:${port}/`, options);
    const [error] = await once(distrustful, "error");
    expect(error).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  });

  it("is told when nobody is there, and when the connection is cut", async () => {
    const http = createServer();
    const port = await echo(http);
    const network = await reach(port);
    const refused = new WebSocket(`ws://${HOST}:1/`, { agent: network.httpAgent });
    const [error] = await once(refused, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
    const socket = new WebSocket(`ws://${HOST}:${port}/`, { agent: network.httpAgent });
    await once(socket, "open");
    socket.on("error", () => {});
    const closed = once(socket, "close");
    http.closeAllConnections();
    await network.close();
    expect((await closed)[0]).toBe(1006);
  });
});
