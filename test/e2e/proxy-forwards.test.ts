/** Half-close through everything that leads inside, UDP through SOCKS5, and configurations as wireproxy's users have them. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, type TestContext } from "vitest";
import { waitFor } from "./support/exec.ts";
import { wasmguardOnNode } from "./support/implementations.ts";
import { CLIENT, FAR, NOBODY, ProxyBed } from "./support/proxy-bed.ts";
import { ASSOCIATE_QUERY, CONNECT_HALF_CLOSE, SOCKS5_HALF_CLOSE, TLS_HALF_CLOSE } from "./support/proxy-clients.ts";
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
createServer((request, response) => response.end("inside, from " + request.socket.remoteAddress)).listen(8080, "::");
`;
/** ECHO over TLS, where SNI proxies lead to. */
const TLS_ECHO = ({ cert, key }: Certificate) => `
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
const pem = { cert: readFileSync("${cert}"), key: readFileSync("${key}") };
createServer({ ...pem, allowHalfOpen: true }, (socket) => {
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => { text += chunk; });
  socket.on("end", () => socket.end("got " + text + " for " + socket.servername));
}).listen(443, "::");
`;
const SCRIPT_MS = 30_000;

async function open(ctx: TestContext): Promise<ProxyBed> {
  requireLab(ctx, "dnsmasq", "setpriv", "socat", "dig", "curl", "openssl");
  const bed = await ProxyBed.open(ctx, wasmguardOnNode);
  await bed.serveNames({ "echo.internal": [FAR.ipv4, FAR.ipv6] });
  await bed.serve(7777, ECHO);
  return bed;
}

/** Paths of PEM files that nobody may read. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

function certificate(bed: ProxyBed): Certificate {
  const [cert, key] = [join(bed.topology.directory, "cert.pem"), join(bed.topology.directory, "key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-subj", "/CN=proxy", "-keyout", key, "-out", cert], {
    stdio: "pipe",
  });
  chmodSync(bed.topology.directory, 0o755);
  chownSync(key, NOBODY.uid, NOBODY.uid);
  return { cert, key };
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
  it("passes half-close on through SOCKS5, CONNECT, SNI, a forward and stdio", async (ctx) => {
    const bed = await open(ctx);
    await bed.serve(443, TLS_ECHO(certificate(bed)));
    const flags = ["--socks", "0", "--http", "0", "--sni", "0", "-L", "0:echo.internal:7777"];
    const proxy = await bed.proxy(bed.configuration, ...flags);
    const target = ["echo.internal", "7777"];
    for (const [script, service] of [
      [SOCKS5_HALF_CLOSE, "SOCKS5"],
      [CONNECT_HALF_CLOSE, "http"],
    ] as const) {
      expect(await bed.runScript(script, [`${proxy.port(service)}`, ...target], SCRIPT_MS), service).toBe(
        "got hello\n",
      );
    }
    const tls = await bed.runScript(TLS_HALF_CLOSE, [`${proxy.port("SNI")}`, "echo.internal"], SCRIPT_MS);
    expect(tls).toBe("got hello for echo.internal\n");
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
    const pem = certificate(bed);
    await bed.serve(443, TLS_ECHO(pem));
    await bed.serve(8080, WEB);
    const key = /^PrivateKey = (.*)$/m.exec(bed.configuration)![1]!;
    Object.assign(process.env, { WASMGUARD_TEST_KEY: key, WASMGUARD_TEST_PASSWORD: "secret" });
    onTestFinished(() => {
      delete process.env.WASMGUARD_TEST_KEY;
      delete process.env.WASMGUARD_TEST_PASSWORD;
    });
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

# the same, over TLS and with a login
[http]
BindAddress = 127.0.0.1:25346
Username = someone
Password = $WASMGUARD_TEST_PASSWORD
CertFile = ${pem.cert}
KeyFile = ${pem.key}

[SNI]
BindAddress = 127.0.0.1:25347

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
    const hello = await bed.runScript(TLS_HALF_CLOSE, ["25347", "echo.internal"], SCRIPT_MS);
    expect(hello).toBe("got hello for echo.internal\n");
    const overTls = (password: string, ...more: string[]) => {
      const way = ["--proxy-insecure", "-x", `https://someone:${password}@127.0.0.1:25346`];
      const curl = ["curl", "-sS", "--max-time", "20", ...way, ...more, "http://echo.internal:8080/"];
      return bed.client.attempt(bed.command(curl), { timeoutMs: SCRIPT_MS });
    };
    // IPv4 as the strategy has it, though the name has both.
    for (const more of [[], ["-p"]])
      expect((await overTls("secret", ...more)).stdout).toBe(`inside, from ::ffff:${CLIENT.ipv4}`);
    expect((await overTls("wrong", "-w", "%{http_code}")).stdout).toMatch(/407$/);
    const health = "http://127.0.0.1:9080";
    const code = () => bed.client.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", `${health}/readyz`]);
    expect(await waitFor(async () => (await code()) === "200", 20_000)).toBe(true);
    const times = JSON.parse(await bed.client.run(["curl", "-sS", `${health}/readyz`]));
    expect(Math.abs(times[FAR.ipv4] - Date.now() / 1000)).toBeLessThan(30);
    const metrics = await bed.client.run(["curl", "-sS", `${health}/metrics`]);
    const [, peer] = /^PublicKey = (.*)$/m.exec(bed.configuration)!;
    expect(metrics).toContain(`public_key=${Buffer.from(peer!, "base64").toString("hex")}`);
    expect(metrics).toMatch(/^endpoint=198\.51\.100\.2:51820$[\s\S]*^rx_bytes=[1-9]\d*$/m);
    expect(metrics).not.toContain(Buffer.from(key, "base64").toString("hex"));
    await bed.far.ip("link", "set", bed.daemon.interface, "down");
    expect(await waitFor(async () => (await code()) === "503", 20_000)).toBe(true);
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
    expect(await ask("secret")).toMatchObject({ code: 0, stdout: `inside, from ${CLIENT.ipv6}` });
    // 97: the proxy's handshake failed.
    expect(await ask("wrong")).toMatchObject({ code: 97, stdout: "" });
  }, 120_000);
});
