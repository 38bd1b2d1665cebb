/** undici with a dispatcher of the network, against servers of node:http and node:https. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Agent, request, fetch as undiciFetch } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCertificate } from "./support/certificate.ts";
import { HOST, reach } from "./support/reach.ts";

/** Tells who asks and what came, or sends as many bytes as the path says. */
const answer: RequestListener = (incoming, response) => {
  const bytes = Number(incoming.url!.slice(1));
  if (bytes > 0) return void response.end(Buffer.alloc(bytes, 7));
  const hash = createHash("sha256");
  incoming.on("data", (chunk) => hash.update(chunk));
  incoming.on("end", () => response.end(`${incoming.method} ${incoming.socket.remotePort} ${hash.digest("hex")}`));
};

async function serve(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe("undici through a tunnel", () => {
  it("sends and receives bodies, and keeps its connections", async () => {
    const port = await serve(createServer(answer));
    const network = await reach(port);
    const dispatcher = network.dispatcher<Untyped>(Agent);
    const url = `http://${HOST}:${port}/`;
    const body = Buffer.alloc(3_000_000, 7);
    const hash = createHash("sha256").update(body).digest("hex");
    const texts: string[] = [];
    for (let i = 0; i < 4; i++)
      texts.push(await (await request(url, { method: "POST", body, dispatcher })).body.text());
    expect(texts[0]).toMatch(new RegExp(`^POST \\d+ ${hash}$`));
    // After a large body undici opens a second connection, with net.Socket as well, and takes turns.
    expect(new Set(texts).size).toBeLessThanOrEqual(2);
    const large = await undiciFetch(`${url}5000000`, { dispatcher });
    expect((await large.arrayBuffer()).byteLength).toBe(5_000_000);
    const many = await Promise.all(Array.from({ length: 30 }, () => undiciFetch(url, { dispatcher })));
    expect(many.map(({ status }) => status)).toEqual(Array(30).fill(200));
    await dispatcher.close();
  });

  it("asks over TLS, and is told what is wrong", async () => {
    const certificate = makeCertificate();
    const port = await serve(createTlsServer(certificate, answer) as unknown as ReturnType<typeof createServer>);
    const network = await reach(port);
    const distrustful = network.dispatcher<Untyped>(Agent);
    const url = `https://${HOST}:${port}/`;
    await expect(request(url, { dispatcher: distrustful })).rejects.toMatchObject({
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    await expect(request(`http://${HOST}:1/`, { dispatcher: distrustful })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    await distrustful.destroy();
  });

  it("aborts a request while its body comes", async () => {
    const port = await serve(createServer(answer));
    const network = await reach(port);
    const dispatcher = network.dispatcher<Untyped>(Agent);
    const abort = new AbortController();
    const { body } = await request(`http://${HOST}:${port}/50000000`, { dispatcher, signal: abort.signal });
    await expect(
      (async () => {
        for await (const _ of body) abort.abort();
      })(),
    ).rejects.toMatchObject({ name: "AbortError" });
    await dispatcher.destroy();
  });
});
