/** `up` and `down` against wg-quick: the same file must leave the same system, in namespaces of their own. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { privateRunObstacle } from "./private-run.ts";

const NAME = "wgcliq0";
const PEER_A = "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const PEER_B = "PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";
const KEY = "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";
const HOOKS = "PreUp = touch /run/%i.hook\nPostDown = rm /run/%i.hook\n";

const FILES: Record<string, string> = {
  "addresses and routes": `${KEY}ListenPort = 51899\nAddress = 10.7.0.1/24, fd07::1/64\nAddress = 10.7.1.1
${HOOKS}PostUp = ip -4 route add 10.99.0.0/16 dev %i
[Peer]\n${PEER_A}\nAllowedIPs = 10.7.0.2/32, 10.8.0.77/16, 10.8.1.0/24, fd08::/16\nEndpoint = 198.51.100.7:51820
[Peer]\n${PEER_B}\nAllowedIPs = 10.8.1.0/24, 172.16.0.0/12\nEndpoint = [2001:db8::7]:51820\nPersistentKeepalive = 25\n`,
  "default routes with an automatic table": `${KEY}Address = 10.7.0.1/24, fd07::1/64\n
[Peer]\n${PEER_A}\nAllowedIPs = 10.9.0.0/16, 0.0.0.0/0, ::/0\nEndpoint = 192.0.2.9:51820\n`,
  "a default route with a mark of its own": `${KEY}FwMark = 0x1234\nAddress = 10.7.0.1/32\nMTU = 1400
[Peer]\n${PEER_A}\nAllowedIPs = 0.0.0.0/0\n`,
  "no routes": `${KEY}Address = 10.7.0.1/24\nTable = off\n[Peer]\n${PEER_A}\nAllowedIPs = 10.8.0.0/16, 0.0.0.0/0\n`,
  "a numbered table": `${KEY}Address = 10.7.0.1/24\nTable = 777\n[Peer]\n${PEER_A}\nAllowedIPs = 10.8.0.0/16, ::/0\n`,
  "a hook that fails": `${KEY}Address = 10.7.0.1/24\nPostUp = false\n[Peer]\n${PEER_A}\nAllowedIPs = 0.0.0.0/0\n`,
  "a hook with a failure in its midst": `${KEY}Address = 10.7.0.1/24\nPostUp = false | cat; true\n`,
  "a hook with a pattern of extglob": `${KEY}Address = 10.7.0.1/24\nPostUp = x=aab; [ "\${x/+(a)/}" = b ]\n`,
  "hooks that ask where they are": `${KEY}PreUp = [ "$INTERFACE" = %i ]\nPostUp = ip addr add 10.66.0.1/32 dev $INTERFACE
PostUp = [ "$(readlink -f /tmp/..$CONFIG_FILE)" = "$CONFIG_FILE" ] && grep -q "^PrivateKey" "$CONFIG_FILE"\n`,
  "addresses as only iproute2 writes them": `${KEY}Address = 10.7.0.1/255.255.255.0, 10.8/16, 0x0a.011.1.1/0x12\n`,
  "an address with a mask that has gaps": `${KEY}Address = 10.7.0.1/255.0.255.0\n`,
  "an address that the system refuses": `${KEY}Address = 10.7.0.1/24, 10.7.0.1/24\n`,
};

/** Peers' times and amounts differ from run to run. */
const withoutCounters = (state: string): string => state.replace(/\t\d+\t\d+\t\d+\t(off|\d+)$/gm, "\t$1");

describe("up and down leave what wg-quick leaves", () => {
  const obstacle = privateRunObstacle("wg-quick", "wireguard-go", "ip", "nft");
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-cli-quick-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const OURS = [process.execPath, local("entry.ts")];

  /** Run both commands in namespaces of their own. Everything in them ends with the shell. */
  function states(
    file: string,
    program: string[],
    env: Record<string, string> = {},
  ): { stdout: string; stderr: string } {
    const isolation = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const done = spawnSync("unshare", [...isolation, local("quick-run.sh"), file, ...program], {
      env: { ...process.env, WG_QUICK_USERSPACE_IMPLEMENTATION: "wireguard-go", ...env },
      encoding: "utf8",
      timeout: 25_000,
    });
    // Link-local addresses are random.
    return { stdout: done.stdout.replace(/fe80:[0-9a-f:]+/g, "fe80::"), stderr: done.stderr };
  }

  function writeConfig(text: string): string {
    const file = join(folder, `${NAME}.conf`);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  it.for(Object.entries(FILES))("for %s", ([, text], context) => {
    if (obstacle) return context.skip(obstacle);
    const file = writeConfig(text);
    const theirs = states(file, ["wg-quick"]);
    const ours = states(file, OURS);
    // Their exit code is that of the step that failed; ours is 1.
    const zeroOrNot = (out: string): string => out.replace(/^(up|down): [1-9]\d*$/gm, "$1: failed");
    expect(zeroOrNot(ours.stdout), ours.stderr).toBe(zeroOrNot(theirs.stdout));
    expect(ours.stderr).not.toContain("yAnz5TF");
  });

  it.for(["addresses and routes", "default routes with an automatic table"])(
    "with wasmguard itself behind it, for %s",
    (name, context) => {
      if (obstacle) return context.skip(obstacle);
      const file = writeConfig(FILES[name]!);
      const behind = join(folder, "wasmguard");
      writeFileSync(behind, `#!/bin/sh\nexec ${OURS.join(" ")} "$@"\n`, { mode: 0o755 });
      const theirs = states(file, ["wg-quick"], { WG_QUICK_USERSPACE_IMPLEMENTATION: behind });
      const ours = states(file, OURS, { WG_QUICK_USERSPACE_IMPLEMENTATION: "" });
      expect(withoutCounters(ours.stdout), ours.stderr).toBe(withoutCounters(theirs.stdout));
      expect(ours.stderr).toContain(`[#] wasmguard ${NAME}\n`);
    },
  );

  it("with iptables where there is no nft", (context) => {
    const missing = obstacle ?? privateRunObstacle("iptables-restore");
    if (missing) return context.skip(missing);
    const programs = join(folder, "sbin");
    mkdirSync(programs);
    for (const name of readdirSync("/usr/sbin")) {
      if (name !== "nft") symlinkSync(`/usr/sbin/${name}`, join(programs, name));
    }
    const env = { PATH: `${programs}:/usr/bin:/bin` };
    const file = writeConfig(FILES["default routes with an automatic table"]!);
    const ours = states(file, OURS, env);
    expect(ours.stderr).toContain("[#] iptables-restore -n\n");
    expect(withoutCounters(ours.stdout)).toBe(withoutCounters(states(file, ["wg-quick"], env).stdout));
  });

  it("and down removes what a crash left, and runs what undoes PostUp", (context) => {
    if (obstacle) return context.skip(obstacle);
    const text = FILES["default routes with an automatic table"]!.replace(
      "Address",
      "PostUp = ip route add blackhole 10.77.0.0/16\nPostDown = ip route delete blackhole 10.77.0.0/16\nAddress",
    );
    const file = writeConfig(text);
    const env = { WG_QUICK_USERSPACE_IMPLEMENTATION: "" };
    const crashed = states(file, OURS, { ...env, CRASH: "1" });
    expect(crashed.stderr).toContain(`${NAME} had ended by itself: what it left behind is removed\n`);
    const [, up, down] = crashed.stdout.split(/== (?:up|down)\n/);
    expect(up).toContain("10.77.0.0/16");
    expect(up).toMatch(/^down: 0$/m);
    expect(down).toBe(states(file, OURS, env).stdout.split(/== (?:up|down)\n/)[2]);
  });

  it.for(["INT", "HUP"])("and undoes everything when it is interrupted by SIG%s", (signal, context) => {
    if (obstacle) return context.skip(obstacle);
    // The hook interrupts the command itself, as Ctrl-C does, or the end of its terminal.
    const hook = `PostUp = kill -${signal} $PPID; sleep 0.2`;
    const file = writeConfig(FILES["default routes with an automatic table"]!.replace("Address", `${hook}\nAddress`));
    const { stdout, stderr } = states(file, OURS);
    expect(stderr).toContain(`wasmguard: interrupted by SIG${signal}. What had been done was undone\n`);
    const [, up, down] = stdout.split(/== (?:up|down)\n/);
    expect(up).toContain("does not exist");
    expect(up?.replace(/^down: .*\n/m, "")).toBe(down);
  });

  it("and the same saved file", (context) => {
    if (obstacle) return context.skip(obstacle);
    const text = `${KEY}Address = 10.7.0.1/24\nSaveConfig = true\nMTU = 1400\nTable = off\nListenPort = 51899
PostUp = wg set %i peer 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=' allowed-ips 10.50.0.0/16; ip addr add 10.51.0.1/16 dev %i
[Peer]\n${PEER_A}\nAllowedIPs = 10.8.0.0/16\nEndpoint = 192.0.2.9:51820\nPersistentKeepalive = 25\n`;
    const file = writeConfig(text);
    states(file, ["wg-quick"]);
    const theirs = readFileSync(file, "utf8");
    writeConfig(text);
    const { stderr } = states(file, OURS);
    const inOrder = (saved: string): string[] =>
      saved
        .replace(/fe80:\S+/, "fe80::")
        .split("\n")
        .sort();
    expect(inOrder(readFileSync(file, "utf8")), stderr).toEqual(inOrder(theirs));
    expect(theirs).toContain("10.50.0.0/16");
  });
});
