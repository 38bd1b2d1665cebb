/**
 * The demo as root: two network namespaces joined by a veth pair, a daemon with a real TUN device in each.
 *
 *   namespace a                                              namespace b
 *   tunnel 10.66.0.1, fd66::1   <-- WireGuard over UDP -->   tunnel 10.66.0.2, fd66::2
 *   veth   192.0.2.1            <----------------------->    veth   192.0.2.2
 *
 * Names carry a random part, so that nothing of the machine's own is touched; all of it is removed at the end.
 */
import { rmSync } from "node:fs";
import { isTunnelUp } from "../../uapi/client.ts";
import { socketPath } from "../../uapi/socket-path.ts";
import { selfCommand } from "../launch/command.ts";
import { applyRequest, setRequest } from "../quick/request.ts";
import { hasProgram } from "../quick/shell.ts";
import { writeHuman } from "../show/human.ts";
import { Output } from "../show/output.ts";
import { fetchDevice, wipeDevice } from "../show/shown-device.ts";
import { type KeyPair, newKeyPair } from "./demo-keys.ts";
import { Companions, runToEnd, waitFor } from "./processes.ts";
import { median, milliseconds, rate, result, step } from "./report.ts";
import type { BulkResult, EchoResult } from "./traffic.ts";

const READY_MS = 20_000;
const COMMAND_MS = 10_000;
const TRAFFIC_MS = 30_000;
const TUNNEL_PORT = 51820;
const TRAFFIC_PORT = 7000;
const PREFIXES = { ipv4: "10.66.0.", ipv6: "fd66::" } as const;

interface End {
  number: 1 | 2;
  namespace: string;
  veth: string;
  tunnel: string;
  keys: KeyPair;
}

/** How to run the daemon in the foreground, less the tunnel's name. */
export type DaemonCommand = readonly string[];

class NamespaceDemo {
  private readonly id = Buffer.from(crypto.getRandomValues(new Uint8Array(2))).toString("hex");
  private readonly companions = new Companions();
  private readonly ends: [End, End] = [this.end(1), this.end(2)];
  private readonly daemon: DaemonCommand;
  private readonly signal: AbortSignal;

  constructor(daemon: DaemonCommand, signal: AbortSignal) {
    this.daemon = daemon;
    this.signal = signal;
  }

  private end(number: 1 | 2): End {
    const letter = number === 1 ? "a" : "b";
    const tunnel = `wgdemo${this.id}${letter}`;
    return {
      number,
      namespace: `wasmguard-${this.id}-${letter}`,
      veth: `wgveth${this.id}${letter}`,
      tunnel,
      keys: newKeyPair(),
    };
  }

  private run(...command: string[]): Promise<string> {
    return runToEnd(command, { timeoutMs: COMMAND_MS, signal: this.signal });
  }

  private inside(end: End, command: readonly string[]): string[] {
    return ["ip", "netns", "exec", end.namespace, ...command];
  }

  async play(): Promise<void> {
    await this.makeNamespaces();
    await this.startDaemons();
    await this.configure();
    await this.pings();
    await this.showHandshake();
    await this.transfers();
  }

  private async makeNamespaces(): Promise<void> {
    const [a, b] = this.ends;
    step(`Two network namespaces: ${a.namespace} and ${b.namespace}`);
    for (const { namespace } of this.ends) await this.run("ip", "netns", "add", namespace);
    const peer = ["peer", "name", b.veth, "netns", b.namespace];
    await this.run("ip", "link", "add", a.veth, "netns", a.namespace, "type", "veth", ...peer);
    for (const { namespace, veth, number } of this.ends) {
      await this.run("ip", "-n", namespace, "link", "set", "lo", "up");
      await this.run("ip", "-n", namespace, "address", "add", `192.0.2.${number}/24`, "dev", veth);
      await this.run("ip", "-n", namespace, "link", "set", veth, "up");
    }
  }

  private async startDaemons(): Promise<void> {
    step("Two daemons, each with a TUN device of its own");
    for (const end of this.ends) {
      const start = performance.now();
      const daemon = this.companions.start(this.inside(end, [...this.daemon, end.tunnel]));
      await waitFor(
        `the daemon ${end.tunnel}`,
        () => isTunnelUp(end.tunnel),
        { timeoutMs: READY_MS, signal: this.signal },
        daemon.failure,
      );
      result(end.tunnel, `ready after ${milliseconds(performance.now() - start)}`);
    }
  }

  private async configure(): Promise<void> {
    const [a, b] = this.ends;
    step("Keys and addresses");
    for (const [own, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const peer = {
        publicKey: other.keys.publicKey,
        allowedIps: [`${PREFIXES.ipv4}${other.number}/32`, `${PREFIXES.ipv6}${other.number}/128`],
      };
      const tunnel = { privateKey: own.keys.privateKey, listenPort: TUNNEL_PORT, firewallMark: 0, peers: [peer] };
      await applyRequest(own.tunnel, setRequest(tunnel, [`192.0.2.${other.number}:${TUNNEL_PORT}`]));
      own.keys.privateKey.fill(0);
      for (const address of [`${PREFIXES.ipv4}${own.number}/24`, `${PREFIXES.ipv6}${own.number}/64`]) {
        const noDad = address.includes(":") ? ["nodad"] : [];
        await this.run("ip", "-n", own.namespace, "address", "add", address, "dev", own.tunnel, ...noDad);
      }
      await this.run("ip", "-n", own.namespace, "link", "set", "mtu", "1420", "up", "dev", own.tunnel);
      result(own.tunnel, `${PREFIXES.ipv4}${own.number}, ${PREFIXES.ipv6}${own.number}`);
    }
  }

  private traffic(end: End, role: string, address: string): string[] {
    const self = selfCommand(["demo", "--traffic", role, address, String(TRAFFIC_PORT)]);
    return this.inside(end, [self.program, ...self.args]);
  }

  private async measure<T>(end: End, role: string, address: string): Promise<T> {
    const answer = await runToEnd(this.traffic(end, role, address), { timeoutMs: TRAFFIC_MS, signal: this.signal });
    return JSON.parse(answer);
  }

  /** A server behind each address of each end. */
  private async startServers(): Promise<void> {
    for (const end of this.ends) {
      for (const prefix of Object.values(PREFIXES)) {
        const server = this.companions.start(this.traffic(end, "serve", `${prefix}${end.number}`));
        const ready = (): boolean => server.output().includes("ready");
        await waitFor("a traffic server", ready, { timeoutMs: READY_MS, signal: this.signal }, server.failure);
      }
    }
  }

  private async ping(from: End, to: string): Promise<string> {
    const text = await this.run(...this.inside(from, ["ping", "-n", "-c", "5", "-i", "0.2", "-w", "8", to]));
    const received = /(\d+) received/.exec(text)?.[1] ?? "0";
    const average = /= [\d.]+\/([\d.]+)\//.exec(text)?.[1] ?? "?";
    return `${received} of 5 answered, ${average} ms on average`;
  }

  private async echo(from: End, to: string): Promise<string> {
    const { sent, roundTripsMs } = await this.measure<EchoResult>(from, "echo", to);
    if (roundTripsMs.length === 0) throw new Error(`no answer from ${to}`);
    return `${roundTripsMs.length} of ${sent} answered, ${milliseconds(median(roundTripsMs))} median`;
  }

  private async pings(): Promise<void> {
    await this.startServers();
    const withPing = hasProgram("ping");
    step(withPing ? "Pings through the tunnel" : "Echoes over UDP through the tunnel (there is no program `ping')");
    const [a, b] = this.ends;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const prefix of Object.values(PREFIXES)) {
        const address = `${prefix}${to.number}`;
        result(
          `${prefix}${from.number} -> ${address}`,
          await (withPing ? this.ping(from, address) : this.echo(from, address)),
        );
      }
    }
  }

  private async showHandshake(): Promise<void> {
    const [{ tunnel }] = this.ends;
    step(`The handshake, as \`wasmguard show ${tunnel}' prints it`);
    const device = await fetchDevice(tunnel);
    const output = new Output();
    const now = BigInt(Math.floor(Date.now() / 1000));
    writeHuman(output, device, { colours: process.stdout.isTTY === true, showKeys: false, now });
    wipeDevice(device);
    output.flush();
    if (device.peers[0]?.handshakeSeconds === 0n) throw new Error("there was no handshake");
  }

  private async transfers(): Promise<void> {
    step("Bulk transfer through the tunnel (TCP, one stream, 3 s)");
    const [a, b] = this.ends;
    for (const [from, to, prefix] of [
      [a, b, PREFIXES.ipv4],
      [b, a, PREFIXES.ipv6],
    ] as const) {
      const { bytes, seconds } = await this.measure<BulkResult>(from, "bulk", `${prefix}${to.number}`);
      result(`${prefix}${from.number} -> ${prefix}${to.number}`, rate(bytes, seconds));
    }
  }

  /** Remove everything, however far it got. Never throws. */
  async cleanUp(): Promise<void> {
    await this.companions.stop();
    const never = new AbortController().signal;
    for (const { namespace, tunnel, keys } of this.ends) {
      keys.privateKey.fill(0);
      await runToEnd(["ip", "netns", "delete", namespace], { timeoutMs: COMMAND_MS, signal: never }).catch(() => {});
      rmSync(socketPath(tunnel), { force: true });
    }
  }
}

/** @throws CliError; everything it made is removed in any case */
export async function runNamespaceDemo(daemon: DaemonCommand, signal: AbortSignal): Promise<void> {
  const demo = new NamespaceDemo(daemon, signal);
  try {
    await demo.play();
  } finally {
    await demo.cleanUp();
  }
  step("Everything is removed again.");
}
