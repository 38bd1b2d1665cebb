/**
 * Network namespaces joined by veth pairs. Everything a test makes here goes when the topology is disposed: every
 * process in a namespace first, then the namespaces, which take their interfaces along.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt, type Result, type RunOptions, run, start, waitFor } from "./exec.ts";

let count = 0;
/** A number for names, unique on this machine while this process lives. */
function serial(): string {
  return `${process.pid.toString(36)}x${(count++).toString(36)}`;
}

export interface LinkEnd {
  readonly namespace: Namespace;
  /** Addresses with prefix length, IPv4 or IPv6. */
  readonly addresses: readonly string[];
}

export class Namespace {
  readonly name: string;
  readonly path: string;

  constructor(name: string) {
    this.name = name;
    this.path = `/run/netns/${name}`;
  }

  command(argv: readonly string[]): string[] {
    return ["nsenter", `--net=${this.path}`, "--", ...argv];
  }

  attempt(argv: readonly string[], options?: RunOptions): Promise<Result> {
    return attempt(this.command(argv), options);
  }

  run(argv: readonly string[], options?: RunOptions): Promise<string> {
    return run(this.command(argv), options);
  }

  start(argv: readonly string[], options?: RunOptions): ChildProcess {
    return start(this.command(argv), options);
  }

  ip(...args: string[]): Promise<string> {
    return run(["ip", "-n", this.name, ...args]);
  }

  async addAddress(device: string, address: string): Promise<void> {
    // Duplicate address detection would hold an IPv6 address back for a second or more.
    await this.ip("addr", "add", address, "dev", device, ...(address.includes(":") ? ["nodad"] : []));
  }

  /** Write a file under /proc/sys, as the namespace sees it. */
  async sysctl(key: string, value: string): Promise<void> {
    await this.run(["sh", "-c", 'echo "$1" >"$2"', "sh", value, `/proc/sys/${key.replaceAll(".", "/")}`]);
  }

  /** Processes in this namespace. */
  pids(): number[] {
    const inode = statSync(this.path).ino;
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .filter((entry) => {
        try {
          return readlinkSync(`/proc/${entry}/ns/net`) === `net:[${inode}]`;
        } catch {
          return false; // ended meanwhile
        }
      })
      .map(Number);
  }
}

export class Topology implements AsyncDisposable {
  /** For this topology's files; removed with it. */
  readonly directory = mkdtempSync(join(tmpdir(), "wasmguard-e2e-"));
  private readonly namespaces: Namespace[] = [];
  private readonly interfaces: string[] = [];

  async namespace(label: string): Promise<Namespace> {
    const namespace = new Namespace(`e2e-${serial()}-${label}`);
    await run(["ip", "netns", "add", namespace.name]);
    this.namespaces.push(namespace);
    await namespace.ip("link", "set", "lo", "up");
    // A namespace has the machine's own value, which a daemon that ran there may have changed; this is the kernel's.
    await namespace.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/send_redirects"]);
    return namespace;
  }

  /** Join two namespaces. @returns the interface's name, the same at both ends */
  async connect(near: LinkEnd, far: LinkEnd, mtu = 1500): Promise<string> {
    const device = `v${serial()}`;
    const peer = ["peer", "name", device, "mtu", `${mtu}`, "netns", far.namespace.name];
    await near.namespace.ip("link", "add", device, "mtu", `${mtu}`, "type", "veth", ...peer);
    for (const end of [near, far]) {
      for (const address of end.addresses) await end.namespace.addAddress(device, address);
      await end.namespace.ip("link", "set", device, "up");
    }
    return device;
  }

  /** A name for a WireGuard interface that no other test uses. */
  interfaceName(): string {
    const name = `wg${serial()}`;
    this.interfaces.push(name);
    return name;
  }

  /** Write a file that only root can read, as `wg` likes its keys. @returns its path */
  file(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.namespaces) {
      await killAll(namespace);
      await attempt(["ip", "netns", "del", namespace.name]);
    }
    // A killed daemon cannot remove its socket.
    for (const name of this.interfaces) rmSync(`/run/wireguard/${name}.sock`, { force: true });
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function killAll(namespace: Namespace): Promise<void> {
  await waitFor(() => {
    const pids = namespace.pids();
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Ended between the two calls.
      }
    }
    return pids.length === 0;
  }, 3000);
}
