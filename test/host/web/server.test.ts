import { request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { serveWeb } from "../../../host/web/server.ts";
import type { TunnelStatus } from "../../../host/web/status.ts";
import { CHROMIUM, launchChromium } from "../../support/chromium.ts";
import { crowd } from "../proxy/support/bench.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

const status: TunnelStatus = {
  name: "wg0",
  version: "1.2.3",
  peers: [
    { publicKey: "AAAA=", endpoint: "192.0.2.1:51820", handshakeAgeSeconds: 7, received: 2048, sent: 10 },
    { publicKey: "<b>BBBB</b>", endpoint: null, handshakeAgeSeconds: null, received: 0, sent: 0 },
  ],
  drops: { "no-peer": 3, malformed: 0 },
  connections: { open: 2, accepted: 9, refused: 0 },
};

async function serve(current: () => TunnelStatus = () => status) {
  const page = await serveWeb(LOOPBACK, current);
  onTestFinished(() => page.close());
  return page;
}

function ask(
  url: string,
  options: { method?: string; host?: string } = {},
): Promise<{ code: number; headers: object; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = options.host === undefined ? {} : { host: options.host };
    const asked = request(url, { method: options.method ?? "GET", headers }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ code: response.statusCode!, headers: response.headers, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("the page's server", () => {
  it("answers who knows the token, and tells the status as it is", async () => {
    const { url } = await serve();
    expect(await ask(`${url}status`)).toMatchObject({ code: 200, body: JSON.stringify(status) });
    const page = await ask(url);
    expect(page.code).toBe(200);
    expect(page.headers).toMatchObject({ "content-security-policy": expect.stringContaining("default-src 'none'") });
  });

  it("tells nothing without the token, by another name, or for another method", async () => {
    const { url } = await serve();
    const { origin } = new URL(url);
    for (const path of ["/", "/status", `/${"A".repeat(22)}/status`, "//status"]) {
      expect((await ask(origin + path)).code, path).toBe(404);
    }
    expect((await ask(`${url}status/x`)).code).toBe(404);
    expect((await ask(`${url}../server.ts`)).code).toBe(404);
    expect((await ask(`${url}status`, { host: "evil.example" })).code).toBe(403);
    expect((await ask(`${url}status`, { method: "POST" })).code).toBe(405);
  });

  it("has another's token in its address where there is one", async () => {
    const page = await serveWeb(LOOPBACK, () => status, "an-administrator's.word");
    expect(page.url).toMatch(/:\d+\/an-administrator's\.word\/$/);
    expect((await ask(`${page.url}status`)).code).toBe(200);
    page.close();
  });

  it("answers though more clients than it has places for say nothing", async () => {
    const { url } = await serve();
    await crowd(Number(new URL(url).port), 20, "GET /");
    expect((await ask(`${url}status`)).code).toBe(200);
  });

  it("gives each start a token of its own", async () => {
    const urls = [new URL((await serve()).url).pathname, new URL((await serve()).url).pathname];
    expect(urls[0]).not.toBe(urls[1]);
    expect(urls[0]!.length).toBeGreaterThan(20);
  });
});

describe("the page in a browser", () => {
  it("shows peers, rates, connections and drops, runs nothing foreign, and can be used by keyboard", async (test) => {
    const browser = await launchChromium();
    if (browser === undefined) return test.skip(`${CHROMIUM} is not installed`);
    onTestFinished(() => browser.close());
    let received = 2048;
    let answers = 0;
    const { url } = await serve(() => {
      answers += 1;
      received += 1 << 20;
      return { ...status, peers: [{ ...status.peers[0]!, received }, ...status.peers.slice(1)] };
    });
    const page = await browser.newPage({ colorScheme: "dark" });
    const [problems, foreign]: [string[], string[]] = [[], []];
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (asked) => {
      if (!asked.url().startsWith(new URL(url).origin)) foreign.push(asked.url());
    });
    await page.goto(url);
    await page.waitForSelector("#peers li");
    await expect.poll(() => answers, { timeout: 20_000 }).toBeGreaterThan(3);
    expect(await page.title()).toBe("wg0 – wasmguard");
    expect(await page.locator("#peers li").count()).toBe(2);
    expect(await page.locator("#peers li .key").nth(1).textContent()).toBe("<b>BBBB</b>");
    expect(await page.locator("#peers li .handshake").nth(0).textContent()).toBe("7 s ago");
    expect(await page.locator("#drops tbody tr").allTextContents()).toEqual(["no-peer3"]);
    expect(await page.locator("#connections-list").textContent()).toBe("open2accepted9refused0");
    await expect
      .poll(() => page.locator("polyline.in").first().getAttribute("points"), { timeout: 20_000 })
      .toMatch(/ /);
    expect(await page.locator("figure svg title").first().textContent()).toMatch(/Mbit\/s in/);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator("#pause").getAttribute("aria-pressed")).toBe("true");
    const dark = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    await page.emulateMedia({ colorScheme: "light" });
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).not.toBe(dark);
    expect(problems).toEqual([]);
    expect(foreign).toEqual([]);
  }, 90_000);
});
