/** Half-close through everything that leads inside, UDP through SOCKS5, and configurations as wireproxy's users have them. */
import { chmodSync } from "node:fs";
import { describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { waitFor } from "./support/exec.ts";
import { wasmguardOnNode } from "./support/implementations.ts";
import { CLIENT, FAR, ProxyBed } from "./support/proxy-bed.ts";
import { ASSOCIATE_QUERY, CONNECT_HALF_CLOSE, SOCKS5_HALF_CLOSE } from "./support/proxy-clients.ts";
import { requireLab } from "./support/requirements.ts";

/** Answers once its client has ended. */
const ECHO = `
import { createServer } from "node:net";
createServer({ allowHalfOpen: true }, (socket) => {
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => { text += chunk; });
  socket.on("end", () => socket.end("got " + text));
}).listen(7777, "::");
`;
const WEB = `
import { createServer } from "node:http";
createServer((_, response) => response.end("inside")).listen(8080, "::");
`;
const SCRIPT_MS = 30_000;

async function open(ctx: TestContext): Promise<ProxyBed> {
  requireLab(ctx, "dnsmasq", "setpriv", "socat", "dig", "curl");
  const bed = await ProxyBed.open(ctx, wasmguardOnNode);
  await bed.serveNames({ "echo.internal": [FAR.ipv4, FAR.ipv6] });
  await bed.serve(7777, ECHO);
  return bed;
}

/** A file that nobody may read, too. */
function readable(bed: ProxyBed, name: string, text: string): string {
  const path = bed.topology.file(name, text);
  chmodSync(bed.topology.directory, 0o755);
  chmodSync(path, 0o644);
  return path;
}

/** Says "hello" to a port of the client's loopback, ends, and hears. */
function halfClose(bed: ProxyBed, port: number | string): Promise<string> {
  return bed.client.run(bed.command(["sh", "-c", `printf hello | socat -t 20 - TCP:127.0.0.1:${port}`]));
}

/** With standard input that ends, and what the target says behind it. */
function throughStdio(bed: ProxyBed, ...args: string[]): Promise<string> {
  const command = [...wasmguardOnNode.command, "proxy", ...args].join(" ");
  return bed.client.run(bed.command(["sh", "-c", `printf hello | ${command}`]), { timeoutMs: SCRIPT_MS });
}

describe("a proxy", () => {
  it("passes half-close on through SOCKS5, CONNECT, a forward and stdio", async (ctx) => {
    const bed = await open(ctx);
    const proxy = await bed.proxy(bed.configuration, "--socks", "0", "--http", "0", "-L", "0:echo.internal:7777");
    const target = ["echo.internal", "7777"];
    for (const [script, service] of [
      [SOCKS5_HALF_CLOSE, "SOCKS5"],
      [CONNECT_HALF_CLOSE, "http"],
    ] as const) {
      expect(await bed.runScript(script, [`${proxy.port(service)}`, ...target], SCRIPT_MS), service).toBe(
        "got hello\n",
      );
    }
    expect(await halfClose(bed, proxy.output().match(/^127\.0\.0\.1:(\d+)/m)![1]!)).toBe("got hello");
    const file = readable(bed, "office.conf", bed.configuration);
    expect(await throughStdio(bed, file, "-W", "echo.internal:7777")).toBe("got hello");
  }, 120_000);

  it("asks a name server for a program that only has SOCKS5's UDP ASSOCIATE", async (ctx) => {
    const bed = await open(ctx);
    const proxy = await bed.proxy(bed.configuration, "--socks", "0");
    const args = [`${proxy.port("SOCKS5")}`, FAR.ipv4, "echo.internal"];
    expect(await bed.runScript(ASSOCIATE_QUERY, args, SCRIPT_MS)).toBe(`${FAR.ipv4}\n`);
  }, 60_000);
});

/** The tunnel in wireproxy's words, and its sections with the addresses and ports of its documentation. */
describe("a configuration for wireproxy", () => {
  it("starts with every section in one file, its key from the environment, and each leads inside", async (ctx) => {
    const bed = await open(ctx);
    const key = /^PrivateKey = (.*)$/m.exec(bed.configuration)![1]!;
    process.env.WASMGUARD_TEST_KEY = key;
    onTestFinished(() => void delete process.env.WASMGUARD_TEST_KEY);
    const tunnel = bed.configuration
      .replace(key, "$WASMGUARD_TEST_KEY")
      .replace("[Peer]", `MTU = 1380\nCheckAlive = ${FAR.ipv4}\nCheckAliveInterval = 3\n\n[Peer]`);
    const proxy = await bed.proxy(
      `${tunnel}PersistentKeepalive = 25

# a port here that leads inside
[TCPClientTunnel]
BindAddress = 127.0.0.1:25565
Target = echo.internal:7777

# a port inside that leads here
[TCPServerTunnel]
ListenPort = 3422
Target = localhost:25545

[UDPProxyTunnel]
BindAddress = 127.0.0.1:25353
Target = ${FAR.ipv4}:53
InactivityTimeout = 30

[Socks5]
BindAddress = 127.0.0.1:25344

[http]
BindAddress = 127.0.0.1:25345

[Resolve]
ResolveStrategy = ipv4
`,
      "-i",
      "127.0.0.1:9080",
    );
    expect(proxy.output()).not.toContain("ignored");
    expect(await halfClose(bed, 25565)).toBe("got hello");
    expect(await bed.runScript(SOCKS5_HALF_CLOSE, ["25344", "echo.internal", "7777"], SCRIPT_MS)).toBe("got hello\n");
    expect(await bed.runScript(CONNECT_HALF_CLOSE, ["25345", "echo.internal", "7777"], SCRIPT_MS)).toBe("got hello\n");
    const dig = ["dig", "+short", "+time=5", "@127.0.0.1", "-p", "25353", "echo.internal", "A"];
    expect((await bed.client.run(bed.command(dig))).trim()).toBe(FAR.ipv4);
    bed.start(bed.client, ["socat", "TCP-LISTEN:25545,bind=127.0.0.1,fork", "SYSTEM:cat; echo seen"]);
    await waitFor(async () => (await bed.client.run(["ss", "-ltnH", "sport = :25545"])).trim() !== "", 10_000);
    const back = ["sh", "-c", `printf inward | socat -t 20 - TCP:${CLIENT.ipv4}:3422`];
    expect(await bed.far.run(back)).toBe("inwardseen\n");
    const ready = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:9080/readyz"];
    expect(await waitFor(async () => (await bed.client.run(ready)) === "200", 20_000)).toBe(true);
  }, 120_000);

  it("starts with WGConfig, a login and standard input, and its check refuses what is wrong", async (ctx) => {
    const bed = await open(ctx);
    const tunnel = readable(bed, "wg.conf", bed.configuration);
    const login = "Username = someone\nPassword = secret";
    const file = readable(
      bed,
      "proxy.conf",
      `WGConfig = ${tunnel}\n\n[Socks5]\nBindAddress = 127.0.0.1:25344\n${login}\n`,
    );
    const check = (path: string) => bed.client.attempt(bed.command([...wasmguardOnNode.command, "proxy", "-n", path]));
    expect(await check(file)).toMatchObject({ code: 0 });
    const wrong = readable(bed, "wrong.conf", `WGConfig = ${tunnel}\n\n[Socks5]\nBindAddress = 25344\n`);
    const refused = await check(wrong);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/wrong\.conf.*4.*BindAddress/s);
    const stdio = readable(bed, "stdio.conf", `WGConfig = ${tunnel}\n\n[STDIOTunnel]\nTarget = echo.internal:7777\n`);
    expect(await throughStdio(bed, stdio)).toBe("got hello");
    const both = bed.configuration.replace(
      "AllowedIPs = 0.0.0.0/0, ::/0",
      `AllowedIPs = ${FAR.ipv4}/32, ${FAR.ipv6}/128`,
    );
    const [other] = /^PublicKey = .*$/m.exec(both)!;
    const second = `\n[Peer]\n${other.replace(/= ..../, "= AAAA")}\nAllowedIPs = 10.99.0.0/24\nEndpoint = 198.51.100.2:9\n`;
    await bed.proxy(`${both}${second}\n[Socks5]\nBindAddress = 127.0.0.1:25344\n${login}\n`);
    await bed.serve(8080, WEB);
    const ask = (password: string) => {
      const way = `socks5h://someone:${password}@127.0.0.1:25344`;
      return bed.client.attempt(
        bed.command(["curl", "-sS", "--max-time", "20", "-x", way, "http://echo.internal:8080/"]),
      );
    };
    expect(await ask("secret")).toMatchObject({ code: 0, stdout: "inside" });
    // 97: the proxy's handshake failed.
    expect(await ask("wrong")).toMatchObject({ code: 97, stdout: "" });
  }, 120_000);
});
