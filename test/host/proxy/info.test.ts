import { once } from "node:events";
import { request } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { AliveChecks } from "../../../host/proxy/alive.ts";
import { serveInfo } from "../../../host/proxy/info.ts";
import type { TunnelStatus } from "../../../host/web/status.ts";
import { ANY, crowd } from "./support/bench.ts";

const status: TunnelStatus = {
  name: "x",
  version: "0",
  peers: [
    {
      publicKey: Buffer.alloc(32, 1).toString("base64"),
      endpoint: "192.0.2.1:1",
      handshakeAgeSeconds: 0,
      received: 5,
      sent: 6,
    },
    {
      publicKey: Buffer.alloc(32, 2).toString("base64"),
      endpoint: null,
      handshakeAgeSeconds: null,
      received: 0,
      sent: 0,
    },
  ],
  drops: { "no-peer": 3 },
  connections: { open: 1, accepted: 2, refused: 0 },
};

async function ask(alive: AliveChecks, path: string): Promise<{ code: number; text: string }> {
  const listener = await serveInfo(ANY, () => status, alive);
  onTestFinished(() => listener.close());
  const response = await fetch(`http://127.0.0.1:${listener.address.port}${path}`);
  return { code: response.status, text: await response.text() };
}

function checks(
  addresses: string[],
  ping: (address: string) => Promise<void>,
  wallTime = () => 1_000_000_000,
): AliveChecks {
  const alive = new AliveChecks({ addresses, intervalMs: 60_000, ping, wallTime });
  onTestFinished(() => alive.close());
  return alive;
}

describe("the info endpoint", () => {
  it("tells nothing to a web page whose name was pointed at this machine", async () => {
    const alive = checks([], async () => {});
    const listener = await serveInfo(ANY, () => status, alive);
    onTestFinished(() => listener.close());
    const { port } = listener.address;
    for (const [host, code] of [
      ["evil.example", 421],
      ["127.0.0.1.evil.example", 421],
      ["localhost", 200],
      ["[::1]", 200],
    ] as const) {
      const asked = request({ port, path: "/metrics", headers: { host: `${host}:${port}` } }).end();
      const [response] = await once(asked, "response");
      response.resume();
      expect(response.statusCode).toBe(code);
    }
  });

  it("tells it whoever asks, though more clients than it has places for say nothing", async () => {
    const alive = checks([], async () => {});
    const listener = await serveInfo(ANY, () => status, alive);
    onTestFinished(() => listener.close());
    await crowd(listener.address.port, 70, "GET /read");
    expect((await fetch(`http://127.0.0.1:${listener.address.port}/readyz`)).status).toBe(200);
  });

  it("tells the state as the control socket would, without secret keys", async () => {
    const { code, text } = await ask(
      checks([], async () => {}),
      "/metrics",
    );
    expect(code).toBe(200);
    expect(text).toMatch(
      new RegExp(`^public_key=${"01".repeat(32)}\nendpoint=192.0.2.1:1\nlast_handshake_time_sec=1\\d{9}\n`),
    );
    expect(text).toContain(`public_key=${"02".repeat(32)}\nlast_handshake_time_sec=0\n`);
    expect(text).not.toMatch(/private|preshared/);
  });

  it("is ready without anything to check, and once everybody has answered", async () => {
    expect(
      await ask(
        checks([], async () => {}),
        "/readyz",
      ),
    ).toEqual({ code: 200, text: "{}" });
    const alive = checks(["10.0.0.1", "10.0.0.2"], async () => {});
    await expect.poll(() => alive.ready).toBe(true);
    expect(await ask(alive, "/readyz")).toEqual({ code: 200, text: '{"10.0.0.1":1000000,"10.0.0.2":1000000}' });
  });

  it("is not ready while one is silent, or was for longer than the interval", async () => {
    const silent = checks(["10.0.0.1", "10.0.0.2"], async (address) => {
      if (address === "10.0.0.2") throw new Error("silent");
    });
    await expect.poll(() => silent.times()).toEqual({ "10.0.0.1": 1_000_000, "10.0.0.2": 0 });
    expect((await ask(silent, "/readyz")).code).toBe(503);
    let now = 1_000_000_000;
    const late = checks(
      ["10.0.0.1"],
      async () => {},
      () => now,
    );
    await expect.poll(() => late.ready).toBe(true);
    now += 62_001;
    expect(late.ready).toBe(false);
  });

  it("has nothing else to tell", async () => {
    expect(
      (
        await ask(
          checks([], async () => {}),
          "/",
        )
      ).code,
    ).toBe(404);
  });
});
