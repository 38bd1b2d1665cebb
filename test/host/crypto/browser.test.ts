// The compiled module in Chromium, loaded by a page from a server on the loopback interface.
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CHROMIUM, launchChromium } from "../../support/chromium.ts";
import { type Compiled, compileCrypto, PROGRAMS, VECTORS } from "./support.ts";

const RUN_MS = 60_000;
const TYPES: Record<string, string> = { js: "text/javascript", mjs: "text/javascript", json: "application/json" };

let compiled: Compiled;
let server: Server;
let browser: Browser | undefined;

/** Where the files of each path lie. */
function fileOf(path: string): string {
  const [, root, ...rest] = normalize(path).split("/");
  const directory = { module: compiled.directory, programs: PROGRAMS, vectors: VECTORS }[root ?? ""];
  return join(directory ?? "/nowhere", ...rest);
}

beforeAll(async () => {
  browser = await launchChromium();
  if (browser === undefined) return;
  compiled = compileCrypto();
  server = createServer(({ url = "/" }, response) => {
    const file = fileOf(url);
    if (url === "/") response.setHeader("content-type", "text/html").end("<!doctype html><title>wasmguard</title>");
    else if (!existsSync(file)) response.writeHead(404).end();
    else response.setHeader("content-type", TYPES[file.split(".").at(-1)!] ?? "").end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}, 120_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  compiled?.remove();
});

it.for(["relaxed", "simd"])("in Chromium, with the %s build", { timeout: RUN_MS }, async (build, context) => {
  if (browser === undefined) return context.skip(`there is no ${CHROMIUM}: run scripts/install-test-tools.sh`);
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  // As text, which the test runner does not rewrite.
  const script = `import("/programs/page.mjs").then(({ run }) => run("${build}"))`;
  const result: { build: string; held: number } = await page.evaluate(script);
  expect(errors).toEqual([]);
  expect(result.build).toBe(build);
  expect(result.held).toBeGreaterThan(500);
  await page.close();
});
