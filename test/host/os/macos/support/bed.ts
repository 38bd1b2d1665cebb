/** Daemons on Macs of the stand-in (test/support/darwin), and a tunnel between two of them: the whole driver, with nothing of it replaced. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { echoReply, echoRequest, type Route, repliedSequence } from "../../../../../host/cli/demo/packets.ts";
import { type DaemonOptions, runDaemon } from "../../../../../host/daemon/daemon.ts";
import type { DarwinLibc } from "../../../../../host/ffi/darwin/libc.ts";
import type { DaemonSystem } from "../../../../../host/os/machine.ts";
import { DarwinMachine } from "../../../../../host/os/macos/machine.ts";
import { socketPath } from "../../../../../host/uapi/socket-path.ts";
import { openStandIn, type Processor } from "../../../../support/darwin/library.ts";
import { Mac, type MacOptions } from "../../../../support/darwin/mac.ts";
import type { Network } from "../../../../support/darwin/network.ts";
import { Process } from "../../../../support/darwin/process.ts";
import type { UtunSocket } from "../../../../support/darwin/utun-socket.ts";

const PATIENCE_MS = 20_000;
export const OFFLOADS = { vnetHeader: true, tunTcp: true, tunUdp: true, segmentation: true, coalescing: true };

/** Wait for what is to come, or fail. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (const deadline = performance.now() + PATIENCE_MS; ; ) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export interface Keys {
  readonly private: string;
  readonly public: string;
}

/** As the UAPI has them. */
export function newKeys(): Keys {
  const { privateKey } = generateKeyPairSync("x25519");
  const hex = (base64: string): string => Buffer.from(base64, "base64url").toString("hex");
  const { d } = privateKey.export({ format: "jwk" });
  const { x } = createPublicKey(createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }))).export({
    format: "jwk",
  });
  return { private: hex(d!), public: hex(x!) };
}

export interface StartOptions extends Partial<DaemonOptions> {
  readonly processor?: Processor;
}

export class Daemon {
  readonly mac: Mac;
  readonly process: Process;
  /** What it complained of. */
  readonly errors: string[] = [];
  /** Resolves when it ended, rejects when it could not start. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();
  #libc: DarwinLibc | undefined;
  #ready = false;
  #failure: unknown;

  private constructor(mac: Mac, { processor = "aarch64", ...options }: StartOptions) {
    this.mac = mac;
    this.process = new Process(mac);
    const system: DaemonSystem = {
      setPriority: () => true,
      open: async (core) => {
        this.#libc = openStandIn(this.process, core.memory, processor);
        return new DarwinMachine(core, this.#libc, (path) => mac.identityOf(path));
      },
    };
    const defaults: DaemonOptions = {
      interfaceName: "utun",
      logLevel: "error",
      offloads: OFFLOADS,
      nice: 0,
      onReady: () => {
        this.#ready = true;
      },
      signal: this.#stop.signal,
      log: (level, message) => {
        if (level === "error") this.errors.push(message);
      },
    };
    this.ended = runDaemon({ ...defaults, ...options }, system);
    this.ended.catch((error) => {
      this.#failure = error;
    });
  }

  /** @throws what keeps it from starting */
  static async start(mac: Mac, options: StartOptions = {}): Promise<Daemon> {
    const daemon = new Daemon(mac, options);
    await until("the daemon", () => daemon.#ready || daemon.#failure !== undefined);
    if (daemon.#failure !== undefined) throw daemon.#failure;
    return daemon;
  }

  get utun(): UtunSocket {
    const found = this.mac.interfaces.find(({ utun }) => utun !== undefined);
    if (found?.utun === undefined) throw new Error("there is no utun");
    return found.utun;
  }

  get socket(): string {
    return socketPath(this.utun.device.name);
  }

  /** One request. @returns the answer */
  async ask(request: string): Promise<string> {
    const client = this.process.dial(this.socket);
    client.send(request);
    let answer = "";
    await until("an answer", () => {
      answer += client.take();
      return answer.endsWith("\n\n");
    });
    client.leave();
    return answer;
  }

  /** @returns the errno of the answer */
  async set(lines: readonly string[]): Promise<number> {
    const answer = await this.ask(`set=1\n${lines.join("\n")}\n\n`);
    return Number(/^errno=(-?\d+)$/m.exec(answer)![1]);
  }

  /** @returns the first value of a key */
  async get(key: string): Promise<string | undefined> {
    return new RegExp(`^${key}=(.*)$`, "m").exec(await this.ask("get=1\n\n"))?.[1];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }
}

/** Inside the tunnel. */
const INSIDE = { 4: [10, 7, 0], 6: [0xfd, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] } as const;
const PORT = 51_820;

export interface Side {
  readonly daemon: Daemon;
  readonly keys: Keys;
  /** Last byte of its addresses inside. */
  readonly number: number;
}

export function route(from: Side, to: Side, family: 4 | 6): Route {
  const address = (number: number): Uint8Array => Uint8Array.from([...INSIDE[family], number]);
  return { from: address(from.number), to: address(to.number) };
}

export interface TunnelOptions {
  readonly near: MacOptions;
  readonly far: MacOptions;
  readonly nearDaemon?: StartOptions;
  readonly farDaemon?: StartOptions;
  /** The address of far that near is told. */
  readonly endpoint?: string;
}

/** Two daemons that know each other, both interfaces up. Only near has an endpoint. */
export async function openTunnel(network: Network, options: TunnelOptions): Promise<{ near: Side; far: Side }> {
  const [near, far] = await Promise.all([
    side(new Mac(network, options.near), options.nearDaemon, 1),
    side(new Mac(network, options.far), options.farDaemon, 2),
  ]);
  const host = options.endpoint ?? options.far.addresses[0]!;
  const endpoint = host.includes(":") ? `[${host}]:${PORT}` : `${host}:${PORT}`;
  await configure(near, far, [`endpoint=${endpoint}`]);
  await configure(far, near, []);
  for (const { daemon } of [near, far]) daemon.mac.configure(daemon.utun.device.name, { up: true });
  return { near, far };
}

async function side(mac: Mac, options: StartOptions | undefined, number: number): Promise<Side> {
  return { daemon: await Daemon.start(mac, options), keys: newKeys(), number };
}

async function configure(own: Side, peer: Side, more: readonly string[]): Promise<void> {
  const errno = await own.daemon.set([
    `private_key=${own.keys.private}`,
    `listen_port=${PORT}`,
    `public_key=${peer.keys.public}`,
    ...more,
    `allowed_ip=10.7.0.${peer.number}/32`,
    `allowed_ip=fd07::${peer.number}/128`,
  ]);
  if (errno !== 0) throw new Error(`errno ${errno}`);
}

/** One echo request, which the other side answers. */
export async function ping(from: Side, to: Side, family: 4 | 6, sequence: number): Promise<void> {
  const received = from.daemon.utun.received;
  const before = to.daemon.utun.received.length;
  from.daemon.utun.send(echoRequest(route(from, to, family), sequence));
  const reply = await until(`echo request ${sequence}`, () => {
    const arrived = to.daemon.utun.received.slice(before).map(echoReply);
    return arrived.find((packet) => packet !== undefined);
  });
  to.daemon.utun.send(reply);
  await until(`echo reply ${sequence}`, () => received.some((packet) => repliedSequence(packet) === sequence));
}
