/**
 * A client without any right, and a tunnel's far end with services behind it:
 *
 *   client: 198.51.100.1  ---- link ----  far: 198.51.100.2              outside; the client has no interface inside
 *           (203.0.113.1, 2001:db8:2::1)       203.0.113.2, 2001:db8:2::2  inside, the kernel's own TCP and a name server
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import type { TestContext } from "vitest";
import { Daemon } from "./daemon.ts";
import { waitFor } from "./exec.ts";
import { type Implementation, wasmguardOnNode } from "./implementations.ts";
import type { Namespace, Topology } from "./topology.ts";
import { openTopology, showOnFailure } from "./tunnel.ts";
import { formatConfig, makeKeyPair } from "./wireguard.ts";

/** Somebody without any right. */
export interface User {
  readonly uid: number;
  /** A user namespace of its own, in which it has another number and no right either. */
  readonly namespace?: "own";
}

export const NOBODY: User = { uid: 65534 };
const PORT = 51820;
const START_MS = 20_000;
export const FAR = { ipv4: "203.0.113.2", ipv6: "2001:db8:2::2" } as const;
export const CLIENT = { ipv4: "203.0.113.1", ipv6: "2001:db8:2::1" } as const;

export interface ProxyProcess {
  readonly process: ChildProcess;
  /** What it has written so far. */
  output(): string;
  /** Where the service whose description starts so listens. */
  port(description: string): number;
}

export class ProxyBed {
  readonly topology: Topology;
  readonly client: Namespace;
  readonly far: Namespace;
  /** A wg-quick configuration for the client. */
  readonly configuration: string;
  readonly #outputs: string[] = [];
  readonly #startFar: () => Promise<Daemon>;
  #daemon: Daemon;

  private constructor(
    parts: Pick<ProxyBed, "topology" | "client" | "far" | "daemon" | "configuration">,
    startFar: () => Promise<Daemon>,
  ) {
    this.topology = parts.topology;
    this.client = parts.client;
    this.far = parts.far;
    this.#daemon = parts.daemon;
    this.configuration = parts.configuration;
    this.#startFar = startFar;
  }

  /** The far end's. */
  get daemon(): Daemon {
    return this.#daemon;
  }

  /** Kill the far end's daemon, and start another with the same configuration and no session. */
  async replaceFar(): Promise<void> {
    await this.#daemon.crash();
    this.#daemon = await this.#startFar();
  }

  static async open(ctx: TestContext, implementation: Implementation): Promise<ProxyBed> {
    const topology = openTopology(ctx, implementation, wasmguardOnNode);
    const [client, far] = [await topology.namespace("client"), await topology.namespace("far")];
    await topology.connect(
      { namespace: client, addresses: ["198.51.100.1/24"] },
      { namespace: far, addresses: ["198.51.100.2/24"] },
    );
    const [near, other] = [makeKeyPair(), makeKeyPair()];
    const name = topology.interfaceName();
    const peer = { publicKey: near.publicKey, allowedIps: [`${CLIENT.ipv4}/32`, `${CLIENT.ipv6}/128`] };
    const config = formatConfig({ privateKey: other.privateKey, listenPort: PORT, peers: [peer] });
    const startFar = async (): Promise<Daemon> => {
      const daemon = await Daemon.start(topology, far, implementation, name);
      await daemon.wg("setconf", name, topology.file(`${name}.conf`, config));
      await far.addAddress(name, `${FAR.ipv4}/24`);
      await far.addAddress(name, `${FAR.ipv6}/64`);
      await far.ip("link", "set", name, "mtu", "1420", "up");
      return daemon;
    };
    const daemon = await startFar();
    const configuration = `[Interface]
PrivateKey = ${near.privateKey}
Address = ${CLIENT.ipv4}/32, ${CLIENT.ipv6}/128
DNS = ${FAR.ipv4}

[Peer]
PublicKey = ${other.publicKey}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 198.51.100.2:${PORT}
`;
    const bed = new ProxyBed({ topology, client, far, daemon, configuration }, startFar);
    showOnFailure(ctx, () => [bed.daemon.log(), ...bed.#outputs].join("\n---\n"));
    return bed;
  }

  /** Names under .internal, as a name server behind the tunnel tells them. */
  async serveNames(names: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const hosts = Object.entries(names).flatMap(([name, addresses]) =>
      addresses.map((address) => `${address} ${name}`),
    );
    const file = this.topology.file("hosts", `${hosts.join("\n")}\n`);
    chmodSync(this.topology.directory, 0o755);
    chmodSync(file, 0o644);
    const options = [
      "--keep-in-foreground",
      "--no-resolv",
      "--no-hosts",
      `--addn-hosts=${file}`,
      "--conf-file=/dev/null",
    ];
    this.start(this.far, [
      "dnsmasq",
      ...options,
      `--listen-address=${FAR.ipv4},${FAR.ipv6}`,
      "--bind-interfaces",
      "--pid-file=",
    ]);
    await this.#listening(53, "udp");
  }

  /** Run a program of Node in the far namespace and wait until something listens on the port. */
  async serve(port: number, script: string): Promise<void> {
    this.start(this.far, [wasmguardOnNode.command[0]!, "--input-type=module", "-e", script]);
    await this.#listening(port, "tcp");
  }

  async #listening(port: number, protocol: "tcp" | "udp"): Promise<void> {
    const list = ["ss", "-lnH", protocol === "tcp" ? "-t" : "-u", `sport = :${port}`];
    const ready = await waitFor(async () => (await this.far.run(list)).trim() !== "", START_MS);
    if (!ready) throw new Error(`nothing listens on ${protocol} port ${port}`);
  }

  /** Start a program that ends with the test's namespaces; its output is shown when the test fails. */
  start(namespace: Namespace, argv: readonly string[]): ChildProcess {
    const child = namespace.start(argv);
    this.#collect(argv[0]!, child);
    return child;
  }

  #collect(label: string, child: ChildProcess): () => string {
    const index = this.#outputs.push(`${label}:\n`) - 1;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#outputs[index] += text;
      });
    }
    return () => this.#outputs[index]!;
  }

  /** `wasmguard proxy` as nobody, in the client's namespace, with no capability. Resolves once it is ready. */
  proxy(configuration: string, ...flags: string[]): Promise<ProxyProcess> {
    return this.proxyAs(NOBODY, configuration, ...flags);
  }

  async proxyAs(user: User, configuration: string, ...flags: string[]): Promise<ProxyProcess> {
    const process = this.#withInput([...wasmguardOnNode.command, "proxy", "-", ...flags], {
      user,
      input: configuration,
    });
    const output = this.#collect(`proxy ${flags.join(" ")}`, process);
    const ready = await waitFor(() => /^ready/m.test(output()) || process.exitCode !== null, START_MS);
    if (!ready || process.exitCode !== null) throw new Error(`the proxy did not start: ${output()}`);
    return {
      process,
      output,
      port: (description) => {
        const line = output()
          .split("\n")
          .find((text) => text.startsWith(description));
        const found = /:(\d+)(?: |$)/.exec(line ?? "");
        if (found === null) throw new Error(`no ${description} in ${output()}`);
        return Number(found[1]);
      },
    };
  }

  /** The process of the proxy that was started. */
  proxyPid(): number {
    const isProxy = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("\0proxy\0");
    return this.client.pids().find(isProxy)!;
  }

  /** A program of Node, as nobody in the client's namespace, to its end. @returns what it wrote */
  runScript(script: string, args: readonly string[], timeoutMs: number): Promise<string> {
    const argv = [wasmguardOnNode.command[0]!, "--input-type=module", "-e", script, ...args];
    return this.client.run(this.command(argv), { timeoutMs });
  }

  /** A program of the client, without any right. */
  command(argv: readonly string[], { uid, namespace }: User = NOBODY): string[] {
    const drop = [
      "setpriv",
      `--reuid=${uid}`,
      `--regid=${uid}`,
      "--clear-groups",
      "--bounding-set=-all",
      "--no-new-privs",
    ];
    const unshare = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];
    return this.client.command([...drop, ...(namespace === "own" ? unshare : []), ...argv]);
  }

  /** The configuration is handed over as standard input: nobody may not read what is root's. */
  #withInput(argv: readonly string[], { user, input }: { user: User; input: string }): ChildProcess {
    const [program, ...rest] = this.command(argv, user);
    const child = spawn(program!, rest, {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
    child.stdin.end(input);
    return child;
  }
}
