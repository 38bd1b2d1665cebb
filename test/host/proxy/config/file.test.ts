import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../../host/config/config-errors.ts";
import { readPlan } from "../../../../host/proxy/config/file.ts";
import { isOpenToAll, type Plan } from "../../../../host/proxy/config/plan.ts";
import { Sorter } from "../../../../host/proxy/config/sorter.ts";

/** 32 bytes each, of no use to anybody. */
const KEY = Buffer.alloc(32, 7).toString("base64");
const OTHER = Buffer.alloc(32, 9).toString("base64");
const TUNNEL = `[Interface]
PrivateKey = ${KEY}
Address = 10.2.0.2/32, fd00::2/128
DNS = 10.2.0.1, internal

[Peer]
PublicKey = ${OTHER}
Endpoint = vpn.example:51820
`;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const noFile = (path: string): never => {
  throw new Error(`nobody should open ${path}`);
};

function read(text: string, environment: Record<string, string> = {}): Plan {
  return readPlan({ bytes: bytes(text), fileName: "p.conf" }, environment, noFile);
}

function refusal(text: string): ConfigError {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a configuration of a proxy", () => {
  it("is a plain wg-quick file too", () => {
    const plan = read(TUNNEL);
    expect(plan.services).toEqual([]);
    expect(plan.tunnel.system.addresses).toEqual(["10.2.0.2/32", "fd00::2/128"]);
    expect(plan.tunnel.tunnel.privateKey).toEqual(Uint8Array.from(Buffer.alloc(32, 7)));
  });

  it("may hold every section of wireproxy, in any case and any number", () => {
    const plan = read(`${TUNNEL}
[TCPClientTunnel]
BindAddress = 127.0.0.1:25565
Target = play.example:25565   # where to
[tcpclienttunnel]
bindaddress = :25566
target = [fd00::9]:22
[TCPServerTunnel]
ListenPort = 3422
Target = localhost:25545
[STDIOTunnel]
Target = ssh.example:22
[Socks5]
BindAddress = 127.0.0.1:25344
Username = ann
Password = s;e#cret
[http]
BindAddress = 0.0.0.0:25345
CertFile = c.pem
KeyFile = k.pem
[SNI]
BindAddress = 127.0.0.1:443
[UDPProxyTunnel]
BindAddress = 127.0.0.1:53
Target = 1.1.1.1:53
InactivityTimeout = 30
[Resolve]
ResolveStrategy = ipv4
`);
    expect(plan.services).toEqual([
      { kind: "tcp-out", bind: { host: "127.0.0.1", port: 25565 }, target: { host: "play.example", port: 25565 } },
      { kind: "tcp-out", bind: { host: "::", port: 25566 }, target: { host: "fd00::9", port: 22 } },
      { kind: "tcp-in", port: 3422, target: { host: "localhost", port: 25545 } },
      { kind: "stdio", target: { host: "ssh.example", port: 22 } },
      {
        kind: "socks5",
        bind: { host: "127.0.0.1", port: 25344 },
        credentials: { user: "ann", password: "s;e#cret" },
      },
      { kind: "http", bind: { host: "0.0.0.0", port: 25345 }, tls: { certFile: "c.pem", keyFile: "k.pem" } },
      { kind: "sni", bind: { host: "127.0.0.1", port: 443 } },
      {
        kind: "udp-out",
        bind: { host: "127.0.0.1", port: 53 },
        target: { host: "1.1.1.1", port: 53 },
        idleMs: 30_000,
      },
    ]);
    expect(plan.resolve).toBe("ipv4");
    expect(plan.remarks).toEqual([]);
    expect(plan.services.filter(isOpenToAll).map(({ kind }) => kind)).toEqual(["http"]);
  });

  it("takes the tunnel from the file that WGConfig names", () => {
    const opened: string[] = [];
    const inner = bytes(TUNNEL.replace("[Peer]", "CheckAlive = 10.2.0.1\nCheckAlive = 10.2.0.3\n[Peer]"));
    const plan = readPlan(
      { bytes: bytes("WGConfig = /etc/x.conf\n[Socks5]\nBindAddress = localhost:1080\n"), fileName: "p.conf" },
      {},
      (path) => {
        opened.push(path);
        return { bytes: inner, fileName: "x.conf" };
      },
    );
    expect(opened).toEqual(["/etc/x.conf"]);
    expect(plan.tunnel.tunnel.peers).toHaveLength(1);
    expect(plan.checkAlive).toEqual(["10.2.0.1", "10.2.0.3"]);
    expect(plan.checkAliveMs).toBe(5000);
    expect(inner.every((byte) => byte === 0)).toBe(true);
  });

  it("reads values that start with $ from the environment, $$ being a dollar", () => {
    const text = `${TUNNEL.replace(KEY, "$MY_KEY")}[Socks5]\nBindAddress = $BIND\nPassword = $$x\n`;
    const plan = read(text, { MY_KEY: OTHER, BIND: "127.0.0.1:9" });
    expect(plan.tunnel.tunnel.privateKey).toEqual(Uint8Array.from(Buffer.alloc(32, 9)));
    expect(plan.services).toEqual([
      { kind: "socks5", bind: { host: "127.0.0.1", port: 9 }, credentials: { user: "", password: "$x" } },
    ]);
  });

  it("sends everything to a peer that names no networks, as wireproxy does", () => {
    expect(read(TUNNEL).tunnel.tunnel.peers[0]?.allowedIps).toEqual(["0.0.0.0/0", "::/0"]);
  });

  it("remarks on what has no meaning without an interface, and on keys that nobody knows", () => {
    const text = TUNNEL.replace("[Peer]", "PostUp = iptables -A\nTable = 51\nWireworm = 1\n[Peer]");
    expect(read(`${text}[Socks5]\nBindAddress = 127.0.0.1:1\nColour = red\n[Moon]\nPhase = full\n`).remarks).toEqual([
      "p.conf, line 14: [Socks5] has no key colour; it is ignored",
      "p.conf, line 15: [Moon] is unknown; it is ignored",
      "p.conf, line 8: [Interface] has no key wireworm; it is ignored",
      "PostUp is not run: there is no interface",
      "Table is ignored: no routes are set",
    ]);
  });
});

describe("a bad line names file, line and key, and says what to write", () => {
  const cases: [string, string, RegExp, RegExp][] = [
    ["a missing key", "[Socks5]\n", /p\.conf, line 9: \[Socks5\] has no BindAddress/, /BindAddress = /],
    ["a port out of range", "[Socks5]\nBindAddress = 127.0.0.1:70000\n", /line 10: BindAddress/, /127\.0\.0\.1:1080/],
    ["half of a certificate", "[http]\nBindAddress = :1\nCertFile = x\n", /line 9: \[http\] has no KeyFile/, /both/],
    ["an unset variable", "[http]\nBindAddress = $NOWHERE\n", /line 10: the environment variable NOWHERE/, /Set it/],
    ["a strategy that is none", "[Resolve]\nResolveStrategy = ipv5\n", /line 10: ResolveStrategy/, /auto/],
    [
      "a key that stands twice",
      "[SNI]\nBindAddress = :1\nBindAddress = :2\n",
      /line 11: BindAddress stands twice/,
      /Remove/,
    ],
    ["WGConfig beside a tunnel", "", /line 1: WGConfig beside/, /Keep one/],
  ];
  it.each(cases)("%s", (what, text, problem, nextStep) => {
    const whole = what.startsWith("WGConfig") ? `WGConfig = x\n${TUNNEL}` : `${TUNNEL}${text}`;
    const error = refusal(whole);
    expect(error.message).toMatch(problem);
    expect(error.nextStep).toMatch(nextStep);
  });

  it("makes no string of a private key whose name is misspelt", () => {
    const sorter = new Sorter("p.conf", {});
    sorter.sort(bytes(`[Interface]\nPrivateKye = ${KEY}\nCheckAlive = 10.2.0.1\n[Peer]\nPreshardKey = ${OTHER}\n`));
    expect([...sorter.extras.entries].map(([key, { value }]) => [key, value])).toEqual([
      ["privatekye", ""],
      ["checkalive", "10.2.0.1"],
      ["preshardkey", ""],
    ]);
  });

  it("and never repeats what may be a key in the wrong place", () => {
    for (const line of [KEY, `[${KEY}]`, `PrivateKey ${KEY}`, `PrivateKey = ${KEY}${KEY}`, `MTU = ${KEY}`]) {
      const error = refusal(`[Interface]\n${line}\n`);
      expect(error.message + error.nextStep).not.toContain(KEY.slice(0, 8));
    }
  });
});
