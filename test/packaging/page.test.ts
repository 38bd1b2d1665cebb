/** wasmguard/crypto in a page of Chromium with a strict Content-Security-Policy: bundled, fetched, and forbidden. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ANSWER, CRYPTO_FETCHED_IN_PAGE, CRYPTO_IN_PAGE } from "./programs.ts";
import { bundle, makeProject, type Project } from "./support.ts";

const CHROMIUM = process.env.WASMGUARD_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
const TYPES: Record<string, string> = {
  ".mjs": "text/javascript",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};
const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'";
const WAIT = { timeout: 60_000 };

let project: Project;
let server: Server;
let browser: Browser;
/** Of the requests to come. */
let policy: string;
let directory: string;

beforeAll(async () => {
  project = makeProject();
  server = createServer(({ url = "/" }, response) => {
    response.setHeader("content-security-policy", policy);
    const file = join(directory, url);
    if (url === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><title>wasmguard</title><script type="module" src="/bundle.mjs"></script>');
    } else if (!existsSync(file)) response.writeHead(404).end();
    else response.setHeader("content-type", TYPES[extname(url)] ?? "").end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  project.remove();
});

async function open(output: string, scripts: string): Promise<{ page: Page; errors: Error[] }> {
  directory = dirname(output);
  policy = `${POLICY} ${scripts}`;
  const page = await browser.newPage();
  const errors: Error[] = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { page, errors };
}

const answerOf = (page: Page): Promise<unknown> => page.evaluate("globalThis.answer");

it("works bundled", async () => {
  const { page, errors } = await open(bundle(project, "esbuild", CRYPTO_IN_PAGE, "browser"), "'wasm-unsafe-eval'");
  await expect.poll(() => answerOf(page), WAIT).toBe(ANSWER);
  expect(errors).toEqual([]);
});

it.each(["vite", "webpack"] as const)("works fetched from files that %s puts beside it", async (bundler) => {
  const output = bundle(project, bundler, CRYPTO_FETCHED_IN_PAGE, "browser");
  const { page, errors } = await open(output, "'wasm-unsafe-eval'");
  await expect.poll(() => answerOf(page), WAIT).toBe(ANSWER);
  expect(errors).toEqual([]);
  const loaded: string[] = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)");
  expect(loaded.filter((name) => name.endsWith(".wasm"))).toHaveLength(3);
  expect(readFileSync(output).length).toBeLessThan(25_000);
});

it("says what the policy lacks where it forbids to compile", async () => {
  const { errors } = await open(bundle(project, "esbuild", CRYPTO_IN_PAGE, "browser"), "");
  await expect
    .poll(() => errors.map(({ name, message }) => `${name}: ${message}`).join(), WAIT)
    .toMatch(/UnsupportedRuntimeError: .*forbids.*wasm-unsafe-eval/);
});
