// The benchmark page in a real browser: one button press, and every card fills with figures of verified results.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, launchChromium } from "../support/chromium.ts";

const PRIMITIVES = ["aead-seal", "aead-open", "chacha20", "poly1305", "x25519-shared", "x25519-public", "blake2s"];
const INSTALL_AND_BUNDLE_MS = 120_000;
const ONE_ROUND_MS = 120_000;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Start `npm run bench:page` on a free port. @returns the process and its address */
function serve(): { process: ChildProcess; url: Promise<string> } {
  const server = spawn(process.execPath, [here("../../bench/page/serve.ts"), "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = new Promise<string>((resolve, reject) => {
    server.stdout.on("data", (text) => {
      const address = /http:\S+/.exec(String(text))?.[0];
      if (address) resolve(address);
    });
    server.on("exit", (code) => reject(new Error(`the page's server ended with ${code}`)));
  });
  return { process: server, url };
}

describe("the benchmark page", () => {
  let server: ReturnType<typeof serve> | undefined;
  let browser: Browser | undefined;
  let url = "";

  beforeAll(async () => {
    browser = await launchChromium();
    if (browser === undefined) return;
    server = serve();
    url = await server.url;
  }, INSTALL_AND_BUNDLE_MS);

  afterAll(async () => {
    await browser?.close();
    server?.process.kill();
  });

  async function open(): Promise<{ page: Page; errors: string[] }> {
    const page = await browser!.newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(`${url}?rounds=1`);
    return { page, errors };
  }

  it("measures every primitive at the press of a button", { timeout: ONE_ROUND_MS }, async (ctx) => {
    if (!browser) return ctx.skip(`no ${CHROMIUM} on this machine`);
    const { page, errors } = await open();
    await page.click("#run");
    await page.waitForFunction("/^(Done|Failed)/.test(document.querySelector('#status').textContent)", undefined, {
      timeout: ONE_ROUND_MS,
    });
    expect(await page.textContent("#status")).toBe("Done");
    for (const primitive of PRIMITIVES) {
      const card = page.locator(`[data-primitive="${primitive}"]`);
      const rows = await card.locator("tbody tr").allTextContents();
      expect(rows.filter((row) => row.startsWith("wasmguard")).length, primitive).toBeGreaterThan(0);
      expect(rows.length, primitive).toBeGreaterThan(3);
      expect(await card.locator(".chart svg path").count(), primitive).toBeGreaterThanOrEqual(rows.length);
    }
    // Where the browser lacks an algorithm the card says so instead.
    const agreed = await page.textContent('[data-primitive="x25519-shared"]');
    expect(agreed).toContain("WebCrypto");
    expect(errors).toEqual([]);
    await page.close();
  });

  it("can be stopped", { timeout: ONE_ROUND_MS }, async (ctx) => {
    if (!browser) return ctx.skip(`no ${CHROMIUM} on this machine`);
    const { page, errors } = await open();
    await page.click("#run");
    expect(await page.textContent("#run")).toBe("Stop");
    await page.click("#run");
    expect(await page.textContent("#status")).toBe("Stopped");
    expect(await page.textContent("#run")).toBe("Run again");
    expect(errors).toEqual([]);
    await page.close();
  });
});
