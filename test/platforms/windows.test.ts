/** `wasmguard proxy` in runtimes of Windows, under Wine: clients here get inside through it, to a far end that is here, too. Ctrl-C ends it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { networkOf, serveInside } from "../support/inside.ts";
import { configurations } from "../support/two-ends.ts";

const WINE = fileURLToPath(new URL("../../scripts/run-in-wine.sh", import.meta.url));
const INSTALLED = "/opt/wasmguard-wine/complete";
const INSIDE = "10.8.0.2";
const CTRL_C = "\x03";
/** Wine starts in seconds where nobody else is. */
const START_MS = 60_000;

interface Program {
  readonly process: ChildProcess;
  output(): string;
}

/** With a terminal, whose keys a console of Windows gets. @param folder that it sees at Z: */
function inConsole(folder: string, command: readonly string[]): Program {
  const words = command.map((word) => `'${word}'`).join(" ");
  // A shell that stayed would be ended by Ctrl-C itself.
  const child = spawn("script", ["--quiet", "--return", "--command", `exec ${WINE} ${words}`, "/dev/null"], {
    env: { ...process.env, WASMGUARD_WINE_DIRECTORIES: folder },
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  return { process: child, output: () => output };
}

/** A request to INSIDE through SOCKS5 (RFC 1928). @returns all that came behind the proxy's answers */
async function bySocks(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(Buffer.from([5, 1, 0, 5, 1, 0, 1, ...INSIDE.split(".").map(Number), 0, 80]));
  socket.write("GET /socks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await once(socket, "close");
  return Buffer.concat(chunks).subarray(12).toString("latin1");
}

async function byHttp(port: number): Promise<string> {
  const asked = request({ host: "127.0.0.1", port, path: `http://${INSIDE}/http`, agent: false });
  asked.end();
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

it.for([["node"], ["bun"], ["deno", "run", "--quiet", "--no-lock", "--allow-all"]])(
  "SOCKS5 and HTTP lead inside, what passes is captured, and Ctrl-C ends it in order: %s",
  { timeout: 3 * START_MS },
  async (runtime, context) => {
    if (!existsSync(INSTALLED)) return context.skip("Wine is not installed: run scripts/install-wine.sh");
    const { inside, outside } = await configurations();
    const folder = dirname(inside);
    const far = await networkOf(outside);
    await serveInside(far, (asked, response) => void response.end(`inside, at ${asked.url}`));
    const there = (name: string): string => `Z:${folder.replaceAll("/", "\\")}\\${name}`;
    const proxy = inConsole(folder, [
      ...[...runtime, "bin/wasmguard.js", "proxy", there(basename(inside)), "--socks", "0", "--http", "0"],
      ...["--pcap", there("passed.pcap"), "--status"],
    ]);
    await expect.poll(proxy.output, { timeout: START_MS }).toMatch(/^ready\r?$/m);
    const portOf = (service: string): number =>
      Number(new RegExp(`^${service}.*:(\\d+)`, "m").exec(proxy.output())![1]);
    expect(await bySocks(portOf("SOCKS5"))).toMatch(/^HTTP\/1\.1 200[\s\S]*inside, at \/socks/);
    expect(await byHttp(portOf("http"))).toBe("inside, at /http");
    proxy.process.stdin!.write(CTRL_C);
    const [code] = await once(proxy.process, "close");
    expect(code, proxy.output()).toBe(0);
    const captured = readFileSync(`${folder}/passed.pcap`);
    expect(captured.includes("GET /socks")).toBe(true);
  },
);

it("a program that crashes under Wine ends, and no debugger waits beside it", { timeout: 2 * START_MS }, (context) => {
  if (!existsSync(INSTALLED)) return context.skip("Wine is not installed: run scripts/install-wine.sh");
  const crash = `Deno.dlopen("kernel32.dll", { RaiseException: { parameters: ["u32", "u32", "u32", "pointer"], result: "void" } })
    .symbols.RaiseException(0xc0000005, 0, 0, null)`;
  const { status, signal, stderr } = spawnSync(WINE, ["deno", "eval", crash], { timeout: START_MS, encoding: "utf8" });
  // The exception's last byte.
  expect({ status, signal }, stderr).toEqual({ status: 5, signal: null });
});
