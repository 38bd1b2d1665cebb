/**
 * Containers and what is like them: few capabilities, a read-only root, no /run, another user, a user namespace, and supervisors that may not
 * signal whom they have started.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { Containers } from "./support/container.ts";
import { isAlive } from "./support/daemon.ts";
import { attempt, type Result, waitFor } from "./support/exec.ts";
import { wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { requireLab } from "./support/requirements.ts";
import { iperf, ping } from "./support/traffic.ts";
import { openTopology, openTunnel } from "./support/tunnel.ts";

/** What the daemon's start needs, and no CAP_KILL. */
const WITHOUT_KILL = ["--cap-drop=all", "--cap-add=NET_ADMIN,SETUID,SETGID,SETPCAP"];
/** Starts its arguments, waits for the socket, ends them as a supervisor does. */
const SUPERVISE = `socket=$1; shift; "$@" & pid=$!
while ! [ -S "$socket" ] && [ -d /proc/$pid ]; do sleep 0.05; done
kill -TERM $pid && echo asked; wait $pid; echo "ended $?"; [ -e "$socket" ] && echo "socket left"; exit 0`;

describe("podman", () => {
  test("few capabilities and a read-only root: pings and TCP go both ways", async (ctx) => {
    const near = Containers.open(ctx).daemon("--cap-add=NET_ADMIN");
    const tunnel = await openTunnel(ctx, { name: near.name, near, far: wireguardGo });
    for (const family of ["ipv4", "ipv6"] as const) {
      const inside = tunnel.far.inside(family);
      expect((await ping(tunnel.near.namespace, inside, { count: 5 })).received).toBe(5);
    }
    for (const direction of ["forward", "reverse"] as const) {
      const options = { protocol: "tcp", direction, seconds: 1 } as const;
      const inside = tunnel.far.inside("ipv4");
      const result = await iperf(tunnel.near.namespace, tunnel.far.namespace, inside, options);
      expect(result.megabitsPerSecond).toBeGreaterThan(1);
    }
    const [pid = 0] = tunnel.near.daemon.pids();
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    tunnel.near.daemon.signal("SIGTERM");
    expect(await tunnel.near.daemon.ends(15_000)).toBe(true);
    expect(existsSync(tunnel.near.daemon.socket)).toBe(false);
  });

  test("no place for the socket is told, and there may be another", async (ctx) => {
    const containers = Containers.open(ctx);
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("place");
    const name = topology.interfaceName();
    const program = [...wasmguardOnNode.command, "-f"];
    const refused = await namespace.attempt(containers.command(["--cap-add=NET_ADMIN"], [...program, name]));
    expect(refused.code).toBe(1);
    // Before it may come what else a read-only /proc/sys keeps from being done.
    expect(refused.stderr.trim().split("\n").at(-1)).toMatch(
      /^wasmguard: cannot make a socket in \S+: EROFS\. .*--socket-dir DIR\.$/,
    );
    const elsewhere = [...program, "--socket-dir=/tmp/sockets", name];
    const supervised = ["sh", "-c", SUPERVISE, "sh", `/tmp/sockets/${name}.sock`, ...elsewhere];
    const options = ["--cap-add=NET_ADMIN", "--tmpfs=/tmp"];
    const result = await namespace.attempt(containers.command(options, supervised));
    expect(result.stdout).toBe("asked\nended 0\n");
  });

  test("a supervisor without CAP_KILL ends it", async (ctx) => {
    const containers = Containers.open(ctx);
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("supervised");
    const name = topology.interfaceName();
    const daemon = [...wasmguardOnNode.command, "-f", name];
    const supervised = ["sh", "-c", SUPERVISE, "sh", `/run/wireguard/${name}.sock`, ...daemon];
    const result = await namespace.attempt(containers.command([...WITHOUT_KILL, "--tmpfs=/run"], supervised));
    expect(result.stdout).toBe("asked\nended 0\n");
  });
});

describe("podman without root", () => {
  /** Two daemons in one container; arguments: the command line of ours. */
  const TWO = `for name in wg0 wg1; do "$@" --allow-unconfined=user,capabilities $name || exit 1; done
umask 077; wg genkey >/run/0; wg genkey >/run/1
wg set wg0 private-key /run/0 listen-port 1001 peer "$(wg pubkey </run/1)" endpoint 127.0.0.1:1002 allowed-ips 10.0.0.2/32 &&
wg set wg1 private-key /run/1 listen-port 1002 peer "$(wg pubkey </run/0)" allowed-ips 10.0.0.1/32 &&
ip address add 10.0.0.1/32 dev wg0 && ip link set wg0 up && ip link set wg1 up && ip route add 10.0.0.2 dev wg0 || exit 2
# Nobody has this address: what is sent to it goes through the tunnel to the other end, and no further.
ping -c 3 -i 0.2 -W 1 10.0.0.2 >/dev/null; wg show wg0 latest-handshakes | cut -f 2; wg show wg1 transfer | cut -f 2`;

  test("a container of a user's own has a network of its own, where daemons talk", async (ctx) => {
    const containers = Containers.open(ctx, "stranger");
    const rights = ["--network=none", "--cap-add=NET_ADMIN,NET_RAW", "--tmpfs=/run"];
    const program = ["sh", "-c", TWO, "sh", ...wasmguardOnNode.command];
    const result = await attempt(containers.command(rights, program), { cwd: "/", timeoutMs: 60_000 });
    expect(result.code, result.stderr).toBe(0);
    const [handshake, received] = result.stdout.trim().split("\n").map(Number);
    expect(handshake).toBeGreaterThan(0);
    expect(received).toBeGreaterThan(3 * 84);
    expect(result.stderr).toMatch(/not confined by user .* as allowed/);
  });

  test("and without the right to make an interface it is told which", async (ctx) => {
    const containers = Containers.open(ctx, "stranger");
    const program = [...wasmguardOnNode.command, "-f", "wg0"];
    const rights = ["--network=none", "--cap-drop=all", "--tmpfs=/run"];
    const result = await attempt(containers.command(rights, program), { cwd: "/", timeoutMs: 60_000 });
    expect(result.code).toBe(1);
    expect(result.stderr.trim().split("\n").at(-1)).toMatch(/^wasmguard: not allowed to .* CAP_NET_ADMIN/);
  });
});

describe("a supervisor without CAP_KILL", () => {
  const unable = (...command: string[]): string[] => ["setpriv", "--bounding-set=-kill", ...command];

  test.for(["TERM", "INT", "HUP"])("ends it by SIG%s", async (signal, ctx) => {
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("unable");
    const name = topology.interfaceName();
    const script = SUPERVISE.replace("-TERM", `-${signal}`);
    const daemon = [...wasmguardOnNode.command, "-f", name];
    // A shell without job control has its children ignore SIGINT.
    const command = unable("bash", "-mc", script, "bash", `/run/wireguard/${name}.sock`, ...daemon);
    const result = await namespace.attempt(command);
    expect(result.stdout).toBe("asked\nended 0\n");
    expect(namespace.pids()).toEqual([]);
  });

  test("whose child is killed leaves no daemon behind", async (ctx) => {
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("killed");
    const name = topology.interfaceName();
    const child = namespace.start(unable(...wasmguardOnNode.command, "-f", name));
    const socket = `/run/wireguard/${name}.sock`;
    expect(await waitFor(() => existsSync(socket), 15_000)).toBe(true);
    const daemon = namespace.pids().find((pid) => isUser(pid, 65534));
    process.kill(child.pid!, "SIGKILL");
    expect(await waitFor(() => !isAlive(daemon!), 15_000)).toBe(true);
    expect(await waitFor(() => !existsSync(socket), 15_000)).toBe(true);
  });

  test.for([3, 4])("leaves the daemon its descriptor %d", async (descriptor, ctx) => {
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("inherited");
    // One without an interface: the daemon finds that, where another or none would be found to be something else.
    const script = `exec ${descriptor}<>/dev/net/tun; exec "$@"`;
    const daemon = [...wasmguardOnNode.command, "-f", `--tun-fd=${descriptor}`, topology.interfaceName()];
    const result = await namespace.attempt(unable("sh", "-c", script, "sh", ...daemon));
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/TUNGETIFF: EBADFD/);
  });

  test("hears of a start that fails", async (ctx) => {
    const topology = openTopology(ctx, wasmguardOnNode);
    const namespace = await topology.namespace("failing");
    const result = await namespace.attempt(unable(...wasmguardOnNode.command, "-f", "--user=nobody-at-all", "wgx"));
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/no user "nobody-at-all"/);
  });
});

function isUser(pid: number, uid: number): boolean {
  return new RegExp(`^Uid:\\t${uid}\\t`, "m").test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

describe("another user than root, in a user namespace of its own, with a TUN device for everybody", () => {
  /** Runs a script with wasmguard's command line for arguments, root by name and 65534 in truth. */
  async function asNobody(ctx: TestContext, script: string, timeoutMs = 30_000): Promise<Result> {
    requireLab(ctx, "setpriv", "unshare", "mknod");
    const directory = mkdtempSync(join(tmpdir(), "wasmguard-tun-"));
    ctx.onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const device = 'mknod -m 0666 "$0/tun" c 10 200 && mount --bind "$0/tun" /dev/net/tun && exec "$@"';
    const command = [
      ...["unshare", "--mount", "sh", "-c", device, directory],
      ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"],
      ...["unshare", "-Urnm", "sh", "-c", script, "sh", ...wasmguardOnNode.command],
    ];
    return attempt(command, { cwd: "/", timeoutMs, env: { LOG_LEVEL: undefined } });
  }

  test("what it cannot give up is named, and allowed to stay; its socket has a place of its own", async (ctx) => {
    const place = "mount -t tmpfs none /mnt; export WASMGUARD_SOCKET_DIR=/mnt";
    const root = await asNobody(ctx, '"$@" -f wg0');
    expect(root.stderr.trim()).toMatch(/^wasmguard: cannot make a socket in \S+: EACCES\. .*--socket-dir DIR\.$/);
    expect(root.code).toBe(1);
    const refused = await asNobody(ctx, `${place}; "$@" -f wg0`);
    expect(refused.stderr).toMatch(/^wasmguard: cannot confine itself: .*--allow-unconfined=user,capabilities$/m);
    expect(refused.code).toBe(1);
    const allowed = await asNobody(
      ctx,
      `${place}; "$@" --allow-unconfined=user,capabilities wg0 && "$@" show interfaces`,
    );
    expect(allowed).toMatchObject({ code: 0, stdout: "wg0\n" });
  });

  test("the demo does without devices, and says why", async (ctx) => {
    const demo = await asNobody(ctx, 'ip link set lo up && exec "$@" demo', 60_000);
    expect(demo).toMatchObject({ code: 0, stderr: "" });
    expect(demo.stdout).toMatch(/because root is the only user here/);
    expect(demo.stdout).toMatch(/Mbit\/s/);
  });
});
