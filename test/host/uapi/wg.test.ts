/**
 * The `wg` command of this machine against the session, over a real socket in a mount namespace of its own, so that
 * no interface of the machine is seen or touched.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { OWN_PUBLIC, PEER_A, PEER_B, PRESHARED, PRIVATE } from "./support/keys.ts";

const NAME = "wguapi0";
const RESET_PORT = "100"; // makes the server start anew
const SOCKET = `/var/run/wireguard/${NAME}.sock`;
const SERVER = new URL("support/wg-server.ts", import.meta.url).pathname;
/** Hides the machine's own run-time files; /var/run is often a link to /run. */
const SCRIPT = 'mount -t tmpfs none "$(readlink -f /var/run)" && mkdir -p /var/run/wireguard && exec "$@"';

const [own, publicKey, a, b, psk] = [PRIVATE, OWN_PUBLIC, PEER_A, PEER_B, PRESHARED].map((key) =>
  Buffer.from(key, "hex").toString("base64"),
) as [string, string, string, string, string];
const folder = mkdtempSync(join(tmpdir(), "uapi-wg-"));
let server: ChildProcess | undefined;
let unavailable = "";

function wg(...args: string[]): string {
  const command = ["-m", "-t", String(server!.pid), "wg", ...args];
  const { stdout, stderr } = spawnSync("nsenter", command, { encoding: "utf8", maxBuffer: 64 << 20 });
  return stdout + stderr;
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Lines of `wg show dump`, split: the device, then the peers. */
function dump(): string[][] {
  return wg("show", NAME, "dump")
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
}

function whyUnavailable(): string {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "needs root to make a mount namespace";
  if (spawnSync("wg", ["--version"]).status !== 0) return "wg is not installed";
  if (spawnSync("unshare", ["-m", "true"]).status !== 0) return "mount namespaces are not allowed here";
  return spawnSync("nsenter", ["--version"]).status === 0 ? "" : "nsenter is not installed";
}

beforeAll(async () => {
  unavailable = whyUnavailable();
  if (unavailable) return;
  const command = ["-m", "sh", "-c", SCRIPT, "sh", process.execPath, SERVER, SOCKET];
  const child = spawn("unshare", command, { stdio: ["ignore", "pipe", "inherit"] });
  server = child;
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
});

afterAll(() => {
  server?.kill();
  rmSync(folder, { recursive: true });
});

beforeEach((ctx) => {
  if (unavailable) ctx.skip(unavailable);
  wg("set", NAME, "listen-port", RESET_PORT);
});

describe("wg", () => {
  it("sees a bare device", () => {
    expect(wg("show", NAME)).toBe(`interface: ${NAME}\n`);
    expect(wg("show", "interfaces")).toContain(NAME);
  });

  it("set and show agree", () => {
    const key = file("private", own);
    const preshared = file("preshared", psk);
    expect(wg("set", NAME, "private-key", key, "listen-port", "51820", "fwmark", "0x42")).toBe("");
    const section = ["preshared-key", preshared, "endpoint", "[fe80::1%1]:9", "persistent-keepalive", "25"];
    expect(wg("set", NAME, "peer", a, ...section, "allowed-ips", "10.0.0.0/8,2001:db8::/32")).toBe("");
    expect(wg("set", NAME, "peer", b)).toBe("");
    expect(dump()).toEqual([
      [own, publicKey, "51820", "0x42"],
      [a, psk, "[fe80::1%lo]:9", "10.0.0.0/8,2001:db8::/32", "0", "0", "0", "25"],
      [b, "(none)", "(none)", "(none)", "0", "0", "0", "off"],
    ]);
  });

  it("removes a peer, a preshared key and the private key", () => {
    wg("set", NAME, "private-key", file("private", own), "peer", a, "preshared-key", file("preshared", psk), "peer", b);
    expect(
      wg("set", NAME, "private-key", "/dev/null", "peer", a, "preshared-key", "/dev/null", "peer", b, "remove"),
    ).toBe("");
    expect(dump()).toEqual([
      ["(none)", "(none)", "0", "off"],
      [a, "(none)", "(none)", "(none)", "0", "0", "0", "off"],
    ]);
  });

  it("says what the errno of a set means", () => {
    expect(wg("set", NAME, "listen-port", "666")).toContain("Address already in use");
    const peers = Array.from({ length: 1200 }, (_, i) => Buffer.alloc(32, 1 + (i % 250)).fill(i >> 8, 0, 8));
    const sections = peers.map((key) => `[Peer]\nPublicKey = ${key.toString("base64")}\n`);
    expect(wg("setconf", NAME, file("many.conf", sections.join("")))).toContain("Invalid argument");
  });

  it("setconf, showconf, addconf and syncconf", () => {
    const device = `[Interface]\nListenPort = 51820\nFwMark = 0x7\nPrivateKey = ${own}\n`;
    const first = `\n[Peer]\nPublicKey = ${a}\nPresharedKey = ${psk}\nAllowedIPs = 10.0.0.0/8, fd00::/8\nEndpoint = 192.0.2.1:51820\nPersistentKeepalive = 25\n`;
    const second = `\n[Peer]\nPublicKey = ${b}\nAllowedIPs = 10.1.0.0/16\n`;

    expect(wg("setconf", NAME, file("wg.conf", device + first))).toBe("");
    expect(wg("showconf", NAME)).toBe(device + first);

    expect(wg("addconf", NAME, file("add.conf", second.trimStart()))).toBe("");
    expect(wg("showconf", NAME)).toBe(device + first + second);

    const onlySecond = second.replace("10.1.0.0/16", "10.9.0.0/16");
    expect(wg("syncconf", NAME, file("sync.conf", device + onlySecond))).toBe("");
    expect(wg("showconf", NAME)).toBe(device + onlySecond);

    expect(wg("setconf", NAME, file("peers.conf", first.trimStart()))).toBe("");
    expect(wg("showconf", NAME)).toBe(`[Interface]\n${first}`);
  });

  it("carries 1000 peers and 130,560 allowed IPs", () => {
    const keys = Array.from({ length: 1000 }, (_, i) =>
      Buffer.alloc(32, 7)
        .fill(i >> 8, 0, 1)
        .fill(i, 1, 2),
    );
    const sections = keys.map(
      (key, i) => `[Peer]\nPublicKey = ${key.toString("base64")}\nAllowedIPs = 10.0.${i >> 8}.${i & 255}/32\n`,
    );
    expect(wg("setconf", NAME, file("peers.conf", sections.join("")))).toBe("");
    expect(dump()).toHaveLength(1001);

    const prefixes = Array.from(
      { length: 130_560 },
      (_, i) => `AllowedIPs = ${11 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24\n`,
    );
    expect(wg("setconf", NAME, file("ips.conf", `[Peer]\nPublicKey = ${a}\n${prefixes.join("")}`))).toBe("");
    expect(dump()[1]![3]!.split(",")).toHaveLength(130_560);
  });
});
