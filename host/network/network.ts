/**
 * A network reached through a tunnel, without root and without an interface: sockets, servers, names, HTTP. The second thing that users
 * import. Nothing asked of it leaves outside the tunnel; only the endpoints' own names are looked up there.
 */
import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { EngineClosedError } from "../errors.ts";
import { ConstructorError } from "../event/device-errors.ts";
import { type ConfigSource, readConfig } from "../library/config.ts";
import { Device } from "../library/device.ts";
import type { DeviceEvents } from "../library/device-events.ts";
import { StackTun } from "../library/stack-tun.ts";
import { IpAddress } from "../net/address.ts";
import { Resolver } from "../net/dns/resolver.ts";
import { Telling } from "../net/telling.ts";
import { runtime } from "../platform.ts";
import { Conn } from "../sockets/conn.ts";
import { type DatagramOptions, type RemoteInfo, TunnelDatagramSocket } from "../sockets/datagram.ts";
import type { Family, SocketContext } from "../sockets/dial.ts";
import { openTls } from "../sockets/http/agents.ts";
import { makeFetch } from "../sockets/http/fetch.ts";
import { HttpTransport } from "../sockets/http/transport.ts";
import { Lookups } from "../sockets/lookup.ts";
import { type ServerOptions, TunnelServer } from "../sockets/server.ts";
import { type ConnectOptions, type SocketOptions, TunnelSocket } from "../sockets/socket.ts";
import { socketError } from "../sockets/socket-errors.ts";
import { preferring } from "./by-name.ts";
import { DispatcherUnsupportedError, NotReadyError } from "./network-errors.ts";
import {
  checkHost,
  type NetworkConfigOptions,
  type NetworkOptions,
  networkOf,
  type ParsedNetwork,
  parseNetwork,
  readWaitOptions,
} from "./network-options.ts";
import { type NetworkStatistics, type NetworkStatus, networkStatistics, networkStatus } from "./network-status.ts";
import { type PingReply, ping } from "./ping.ts";
import { TappedTun } from "./tapped-tun.ts";

const PING_MS = 10_000;

/** What undici's Agent is made with. */
interface DispatcherClass<T> {
  new (options: {
    connect: (
      options: ConnectionOptions & { hostname: string; protocol: string },
      done: (error: Error | null, socket: unknown) => void,
    ) => void;
  }): T;
}

export class Network {
  readonly #device: Device;
  readonly #tun: StackTun;
  readonly #resolver: Resolver;
  readonly #lookups: Lookups;
  readonly #addresses: readonly IpAddress[];
  readonly #http: HttpTransport;
  readonly #context: SocketContext & {
    closed: boolean;
    udp: StackTun["stack"]["udp"];
    lookup(host: string, family: Family, signal?: AbortSignal): Promise<readonly IpAddress[]>;
    ownAddress(text: string): IpAddress | undefined;
  };
  /** As the runtime's own `fetch`, through the tunnel. */
  readonly fetch: typeof fetch;
  /** In the shape of dns.lookup, for programs that take such a function. */
  readonly lookup: Lookups["callback"];

  private constructor(device: Device, tun: StackTun, options: ParsedNetwork) {
    if (options === undefined) throw new ConstructorError("Network");
    const { addresses, servers, search, hosts, prefer } = options;
    const { stack } = tun;
    this.#device = device;
    this.#tun = tun;
    this.#addresses = addresses;
    this.#resolver = Resolver.on(stack, { servers, search, hosts });
    this.#lookups = new Lookups(
      this.#resolver,
      addresses,
      prefer === "auto" ? undefined : prefer === "ipv4" ? [4, 6] : [6, 4],
    );
    this.lookup = this.#lookups.callback;
    this.#context = {
      tcp: stack.tcp,
      udp: stack.udp,
      open: new Set(),
      closed: false,
      connectByName: preferring({ context: stack, tcp: stack.tcp, resolver: this.#resolver, addresses }, prefer),
      lookup: (host, family, signal) => this.#lookups.lookup(host, family, signal),
      ownAddress: (text) => {
        const address = IpAddress.parse(text);
        return address && addresses.find((own) => own.equals(address));
      },
    };
    this.#http = new HttpTransport(this.#context);
    this.fetch = makeFetch(this.#http);
  }

  /**
   * Open a network as a wg-quick configuration describes it: Address, DNS, MTU, peers. What has no meaning without an interface
   * (PostUp, Table …) is not obeyed.
   * @param config its text, as bytes or as a string; or the path of a file
   * @throws ConfigError, and what `create` throws
   */
  static async fromConfig(config: ConfigSource, options: NetworkConfigOptions = {}): Promise<Network> {
    const read = await readConfig(config);
    try {
      return await Network.create(networkOf(read, options));
    } finally {
      read.wipe();
    }
  }

  /** Open a network. @throws OptionError, KeyError, EndpointError, AllowedIpError, PortInUseError, BindError … */
  static async create(options: NetworkOptions): Promise<Network> {
    const parsed = parseNetwork(options);
    const { addresses, mtu, memory, tap } = parsed;
    const inside = { addresses, mtu, budgetBytes: memory };
    const tun = tap === undefined ? new StackTun(inside) : new TappedTun(inside, tap);
    const device = await Device.create({ ...parsed.device, tun });
    try {
      await device.start();
    } catch (error) {
      await device.close();
      throw error;
    }
    return new Network(device, tun, parsed);
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Resolves once some peer has a session; asks every peer with an endpoint for one.
   * @throws NotReadyError when none answers for 90 s; the signal's reason
   */
  async ready(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = readWaitOptions(options, ["signal"]);
    if (this.status().ready) return;
    await new Promise<void>((resolve, reject) => {
      const waiting = { destroy: () => end(() => reject(new EngineClosedError())) };
      this.#context.open.add(waiting);
      const end = (settle: () => void): void => {
        this.#context.open.delete(waiting);
        for (const stop of stops) stop();
        signal?.removeEventListener("abort", aborted);
        settle();
      };
      const aborted = (): void => end(() => reject(signal?.reason));
      const failed = new Set<string>();
      const stops = [
        this.#device.on("handshake", () => end(resolve)),
        this.#device.on("handshakeFailed", ({ publicKey, reason, cause }) => {
          failed.add(publicKey.join());
          if (failed.size >= asked) end(() => reject(new NotReadyError(reason, cause)));
        }),
      ];
      if (signal?.aborted) return aborted();
      signal?.addEventListener("abort", aborted, { once: true });
      const asked = this.#askForSessions();
      if (asked === 0) end(() => reject(new NotReadyError("no peer has an endpoint and allowed IPs")));
    });
  }

  /** @returns how many peers are asked */
  #askForSessions(): number {
    let asked = 0;
    for (const { endpoint, allowedIps } of this.#device.statistics().peers) {
      const [first] = allowedIps;
      const address = first === undefined ? undefined : IpAddress.parse(first.replace(/\/.*/, ""));
      if (endpoint === undefined || address === undefined) continue;
      asked += 1;
      this.#tun.ready(address);
    }
    return asked;
  }

  /** Whether the network keeps the process alive, as it does at first. */
  ref(): this {
    this.#device.ref();
    return this;
  }

  unref(): this {
    this.#device.unref();
    return this;
  }

  /** End all connections at once, wipe all keys, close the socket. Safe to call again. */
  async close(): Promise<void> {
    const http = this.#context.closed ? undefined : this.#http;
    this.#context.closed = true;
    const open = [...this.#context.open];
    const ending = new Telling();
    // Before the agents end them, which tell nobody why.
    for (const one of open) {
      ending.call(() => {
        if (one.connecting === true) one.destroy(socketError("ENETDOWN", "connect"));
      }, one);
    }
    ending.call(() => http?.close(), this);
    for (const one of open) ending.call(() => void one.destroy(), one);
    await this.#device.close();
    ending.end();
  }

  // ── sockets ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A socket that is not connected yet, for programs that call `connect` themselves. */
  socket(options: SocketOptions = {}): TunnelSocket {
    return new TunnelSocket(this.#context, options);
  }

  /** As net.connect: `connect(options)`, `connect(port, host)`, each with a listener for "connect". */
  connect(options: ConnectOptions | number | string, ...rest: unknown[]): TunnelSocket {
    const { allowHalfOpen } = typeof options === "object" ? options : {};
    return this.socket({ allowHalfOpen }).connect(options, ...rest);
  }

  /** As net.createServer, at the tunnel's addresses. */
  createServer(
    options?: ServerOptions | ((socket: TunnelSocket) => void),
    onConnection?: (socket: TunnelSocket) => void,
  ): TunnelServer {
    const listener = typeof options === "function" ? options : onConnection;
    return new TunnelServer(this.#context, typeof options === "object" ? options : {}, listener);
  }

  /** As dgram.createSocket; without a type for both families. */
  createSocket(
    options: DatagramOptions | "udp4" | "udp6" = {},
    onMessage?: (message: Buffer, from: RemoteInfo) => void,
  ): TunnelDatagramSocket {
    return new TunnelDatagramSocket(
      this.#context,
      typeof options === "string" ? { type: options } : options,
      onMessage,
    );
  }

  /** A connection with web streams. @throws SocketError; the signal's reason */
  async open(options: ConnectOptions): Promise<Conn> {
    const socket = this.socket({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(options.signal?.aborted ? options.signal.reason : error);
      socket.once("error", failed);
      socket.once("connect", () => {
        socket.off("error", failed);
        resolve();
      });
      socket.connect(options);
    });
    return new Conn(socket);
  }

  // ── names ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Addresses of a name, as dns.promises.resolve4. @throws an error with ENOTFOUND, ENODATA, ETIMEOUT … */
  async resolve4(name: string, options: { signal?: AbortSignal } = {}): Promise<string[]> {
    return this.#resolve(name, 4, options);
  }

  async resolve6(name: string, options: { signal?: AbortSignal } = {}): Promise<string[]> {
    return this.#resolve(name, 6, options);
  }

  async #resolve(name: string, family: 4 | 6, options: { signal?: AbortSignal }): Promise<string[]> {
    const { signal } = readWaitOptions(options, ["signal"]);
    checkHost(name);
    return (await this.#lookups.resolve(name, family, signal)).map(String);
  }

  /** @throws an error with ETIMEDOUT, EHOSTUNREACH …; the signal's reason */
  async ping(host: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<PingReply> {
    const { timeoutMs = PING_MS, signal } = readWaitOptions(options, ["timeoutMs", "signal"]);
    checkHost(host);
    const [address] = await this.#lookups.lookup(host, 0, signal);
    return ping(this.#tun.stack, address!, { timeoutMs, signal, open: this.#context.open });
  }

  // ── HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────

  get httpAgent(): HttpAgent {
    return this.#http.httpAgent;
  }

  get httpsAgent(): HttpsAgent {
    return this.#http.httpsAgent;
  }

  /**
   * A dispatcher of undici whose connections go through the tunnel: `network.dispatcher(Agent)` with undici's class Agent.
   * @throws DispatcherUnsupportedError in runtimes that do not honour one
   */
  dispatcher<T>(agentClass: DispatcherClass<T>): T {
    if (runtime() !== "node") throw new DispatcherUnsupportedError(runtime());
    return new agentClass({
      connect: (options, done) => {
        const { hostname, port, protocol } = options;
        const host = hostname.replace(/^\[(.*)\]$/, "$1");
        const secure = protocol === "https:";
        const socket = secure
          ? openTls(this.#context, { ...options, host, port: Number(port) || 443, ALPNProtocols: ["http/1.1"] })
          : this.connect({ host, port: Number(port) || 80, noDelay: true });
        const failed = (error: Error): void => done(error, null);
        socket.once("error", failed);
        socket.once(secure ? "secureConnect" : "connect", () => {
          socket.off("error", failed);
          done(null, socket);
        });
      },
    });
  }

  // ── what it tells ──────────────────────────────────────────────────────────────────────────────────────────

  /** Listen to what happens to the tunnel (see Device). @returns what ends it */
  on<K extends keyof DeviceEvents>(type: K, listener: (event: DeviceEvents[K]) => void): () => void {
    return this.#device.on(type, listener);
  }

  /** Our addresses inside. */
  get addresses(): string[] {
    return this.#addresses.map(String);
  }

  /** 32 bytes, a copy. */
  get publicKey(): Uint8Array {
    return this.#device.publicKey;
  }

  /** The UDP port in use, outside. */
  get listenPort(): number {
    return this.#device.listenPort;
  }

  statistics(): NetworkStatistics {
    return networkStatistics(this.#device, this.#tun.stack);
  }

  /** For a health check. */
  status(): NetworkStatus {
    return networkStatus(this.#device, this.#tun.stack, Date.now());
  }
}

Object.defineProperty(Network.prototype, Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose"), {
  value(this: Network): Promise<void> {
    return this.close();
  },
  configurable: true,
  writable: true,
});
