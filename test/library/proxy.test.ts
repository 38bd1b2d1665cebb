/** `wasmguard proxy` in every runtime: a SOCKS5 and an HTTP client of Node get inside through it. */
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { networkOf, serveInside } from "../support/inside.ts";
import { findRuntime, RUNTIMES } from "../support/runtimes.ts";
import { configurations, run } from "../support/two-ends.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/wasmguard.js", import.meta.url));
const INSIDE = "10.8.0.2";

/** A request to INSIDE through SOCKS5 (RFC 1928), without a login. @returns all that came behind the proxy's answers */
async function bySocks(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const target = [...INSIDE.split(".").map(Number), 0, 80];
  socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, ...target]));
  socket.write("GET /socks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await once(socket, "close");
  const all = Buffer.concat(chunks);
  expect([...all.subarray(0, 4)]).toEqual([5, 0, 5, 0]);
  return all.subarray(12).toString("latin1");
}

async function byHttp(port: number): Promise<string> {
  const asked = request({ host: "127.0.0.1", port, path: `http://${INSIDE}/http`, agent: false });
  asked.end();
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

it.for(RUNTIMES)("SOCKS5 and HTTP lead inside in %s", { timeout: 90_000 }, async (name, context) => {
  const { path, reason } = findRuntime(name);
  if (path === undefined) return context.skip(reason);
  const { inside, outside } = await configurations();
  await serveInside(await networkOf(outside), (asked, response) => void response.end(`inside, at ${asked.url}`));
  const proxy = run(name, path, PROGRAM, "proxy", inside, "--socks", "0", "--http", "0");
  await expect.poll(proxy.output, { timeout: 30_000 }).toMatch(/^ready$/m);
  const portOf = (service: string): number => Number(new RegExp(`^${service}.*:(\\d+)`, "m").exec(proxy.output())![1]);
  expect(await bySocks(portOf("SOCKS5"))).toMatch(/^HTTP\/1\.1 200[\s\S]*inside, at \/socks/);
  expect(await byHttp(portOf("http"))).toBe("inside, at /http");
  proxy.process.kill("SIGTERM");
  const [code] = await once(proxy.process, "close");
  expect(code).toBe(0);
});
