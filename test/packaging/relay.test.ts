/** The browser entry: no module of node:, and two devices in a page that talk through the relay of the example. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeProject, type Project, ROOT, run, TOOLS, tool } from "./support.ts";

const CHROMIUM = process.env.WASMGUARD_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
/** What a strict page allows: scripts of its own, and that these compile WebAssembly. */
const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src ws://127.0.0.1:*";

let project: Project;
let relay: ChildProcess | undefined;
let server: Server | undefined;
let browser: Browser | undefined;

beforeAll(() => {
  project = makeProject();
  cpSync(join(ROOT, "examples/relay"), join(project.directory, "relay"), { recursive: true });
  symlinkSync(join(TOOLS, "ws"), join(project.directory, "node_modules/ws"));
  const args = ["relay/page.mjs", "--bundle", "--minify", "--format=esm", "--platform=browser", "--outfile=page.js"];
  run(tool("esbuild"), args, project.directory);
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  relay?.kill();
  project.remove();
});

it("bundles for a browser without a module of node:", () => {
  expect(readFileSync(join(project.directory, "page.js"), "utf8")).not.toMatch(/["']node:/);
});

it("two devices in a page talk through the relay", async (context) => {
  if (!existsSync(CHROMIUM)) return context.skip(`there is no ${CHROMIUM}: run scripts/install-test-tools.sh`);
  relay = spawn(process.execPath, ["relay/relay.mjs", "0"], {
    cwd: project.directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const address = await new Promise<string>((resolve) => {
    relay!.stdout!.setEncoding("utf8").on("data", (text: string) => resolve(/ws:\S+/.exec(text)![0]));
  });
  const html = '<!doctype html><title>relay</title><script type="module" src="/page.js"></script>';
  server = createServer(({ url }, response) => {
    response.setHeader("content-security-policy", CSP);
    if (url !== "/page.js") return response.setHeader("content-type", "text/html").end(html);
    response.setHeader("content-type", "text/javascript").end(readFileSync(join(project.directory, "page.js")));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await expect.poll(() => page.evaluate("typeof runRelayExample"), { timeout: 30_000 }).toBe("function");
  expect(await page.evaluate(`runRelayExample(${JSON.stringify(address)})`)).toEqual(["hello, Bob", "hello, Alice"]);
});
