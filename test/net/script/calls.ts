/**
 * What the user of the stack does and expects in a script. `@PORT` at the end names another connection than the first.
 *
 *   listen [port=N] [backlog=N] [OPTION…] | unlisten | accept | accept none
 *   connect [timeout=N] [local-port=N] | connect fails CODE
 *   write N [takes M] | read N | read none | discard (from now on all that comes is read at once)
 *   shutdown | close | abort
 *   configure OPTION…: no-delay | nagle | keepalive=IDLE/INTERVAL/PROBES | keepalive=off | user-timeout=N | ttl=N | tos=N
 *   state NAME | open | closed | closed CODE | connected | unconnected | ended | readable N | space OP N | writable
 *   stat NAME OP N             of TcpStatistics, such as: stat congestionWindow >= 10*MSS
 *   counter NAME OP N          of NetCounters, since the script began
 *   connections N | memory OP N
 *   room off | room on         the tunnel is congested, or no longer
 *   tunnel down | tunnel up    a handshake has to come first, or is done
 *   stop                       the stack ends
 */
import type { IpAddress } from "../../../host/net/address.ts";
import type { NetCounter } from "../../../host/net/counters.ts";
import type { TcpFailure, TcpHandler, TcpOptions, TcpServer, TcpStream } from "../../../host/net/tcp/face.ts";
import type { Host } from "../host.ts";
import { evaluate } from "./parse.ts";
import { pattern, patternByte } from "./segment.ts";

class Connection implements TcpHandler {
  stream!: TcpStream;
  readonly told = new Set<string>();
  failure: TcpFailure | undefined;
  /** Places in the streams: the next byte to write and to read. */
  writeAt = 1;
  readAt = 1;
  discarding = false;

  connected(): void {
    this.told.add("connected");
  }

  readable(): void {
    this.told.add("readable");
    if (this.discarding) this.discard();
  }

  writable(): void {
    this.told.add("writable");
  }

  closed(failure: TcpFailure | undefined): void {
    this.told.add("closed");
    this.failure = failure;
  }

  discard(): void {
    for (let bytes = this.stream.read(); bytes !== undefined; bytes = this.stream.read()) this.check(bytes);
  }

  check(bytes: Uint8Array): void {
    bytes.forEach((byte, i) => {
      if (byte !== patternByte(this.readAt + i)) throw new Error(`the byte read at ${this.readAt + i} is wrong`);
    });
    this.readAt += bytes.length;
  }
}

export interface CallContext {
  readonly host: Host;
  readonly remote: IpAddress;
  readonly names: ReadonlyMap<string, number>;
  /** The port that the peer uses, or is connected to, when nothing else is said. */
  readonly firstPort: number;
  readonly listenPort: number;
  tunnel(up: boolean): void;
}

export class Calls {
  readonly #context: CallContext;
  readonly #connections = new Map<number, Connection>();
  readonly #counters: Record<NetCounter, number>;
  #server: TcpServer | undefined;

  constructor(context: CallContext) {
    this.#context = context;
    this.#counters = context.host.stack.counters.all();
  }

  /** @throws if what a script expects is not so */
  run(words: readonly string[]): void {
    const at = words.find((word) => word.startsWith("@"));
    const port = at === undefined ? this.#context.firstPort : Number(at.slice(1));
    const [name, ...rest] = words.filter((word) => word !== at);
    const named = new Map<string, string>();
    const bare: string[] = [];
    for (const word of rest) {
      const split = /^([a-z-]+)=(.+)$/.exec(word);
      if (split === null) bare.push(word);
      else named.set(split[1]!, split[2]!);
    }
    if (this.#network(name!, bare, named, port)) return;
    const connection = this.#connections.get(port);
    if (connection === undefined) throw new Error(`${name}: no connection @${port}`);
    if (!this.#stream(name!, bare, named, connection) && !this.#expectation(name!, bare, connection)) {
      throw new Error(`no such call: ${name}`);
    }
  }

  #number(text: string): number {
    return evaluate(text, this.#context.names);
  }

  #network(name: string, bare: string[], named: Map<string, string>, port: number): boolean {
    const { host } = this.#context;
    const number = (key: string) => (named.has(key) ? this.#number(named.get(key)!) : undefined);
    switch (name) {
      case "listen": {
        const server = this.#context.host.stack.tcp.listen({
          port: number("port") ?? this.#context.listenPort,
          backlog: number("backlog"),
          ...this.#options(bare, named),
        });
        if (typeof server === "string") throw new Error(`listen: ${server}`);
        this.#server = server;
        return true;
      }
      case "unlisten":
        this.#server!.close();
        return true;
      case "accept":
        this.#accept(bare[0] === "none", port);
        return true;
      case "connect":
        this.#connect(bare, named, port);
        return true;
      case "connections":
        equal("connections", [...this.#context.host.stack.tcp.connections()].length, this.#number(bare[0]!));
        return true;
      case "counter": {
        const counter = bare[0] as NetCounter;
        const value = host.stack.counters.read(counter) - this.#counters[counter];
        compare(counter, value, bare[1]!, this.#number(bare[2]!));
        return true;
      }
      case "memory":
        compare("memory", host.stack.budget.taken, bare[0]!, this.#number(bare[1]!));
        return true;
      case "stop":
        host.stack.close();
        return true;
      case "tunnel":
        this.#context.tunnel(bare[0] === "up");
        return true;
      case "room":
        if (bare[0] !== "on" && bare[0] !== "off") return false;
        host.congested(bare[0] === "off");
        return true;
    }
    return false;
  }

  #accept(none: boolean, port: number): void {
    const stream = this.#server!.accept();
    if (none) {
      if (stream !== undefined) throw new Error("a connection could be accepted");
      return;
    }
    if (stream === undefined) throw new Error("no connection to accept");
    equal("the accepted connection's port", stream.remotePort, port);
    const connection = new Connection();
    connection.stream = stream;
    stream.handler = connection;
    this.#connections.set(port, connection);
  }

  #connect(bare: string[], named: Map<string, string>, port: number): void {
    const number = (key: string) => (named.has(key) ? this.#number(named.get(key)!) : undefined);
    const connection = new Connection();
    const stream = this.#context.host.stack.tcp.connect({
      remote: this.#context.remote,
      remotePort: port,
      localPort: number("local-port"),
      timeoutMs: number("timeout"),
      handler: connection,
    });
    const failure = typeof stream === "string" ? stream : undefined;
    if (bare[0] === "fails") return equal("connect", failure, bare[1]);
    if (typeof stream === "string") throw new Error(`connect: ${failure}`);
    connection.stream = stream;
    this.#connections.set(port, connection);
  }

  #stream(name: string, bare: string[], named: Map<string, string>, connection: Connection): boolean {
    const { stream } = connection;
    switch (name) {
      case "write": {
        const length = this.#number(bare[0]!);
        const taken = stream.write(pattern(connection.writeAt, connection.writeAt + length), "given");
        connection.writeAt += taken;
        equal("bytes taken", taken, bare[1] === "takes" ? this.#number(bare[2]!) : length);
        return true;
      }
      case "read": {
        if (bare[0] === "none") {
          if (stream.read() !== undefined) throw new Error("there was something to read");
          return true;
        }
        let left = this.#number(bare[0]!);
        while (left > 0) {
          const bytes = stream.read(left);
          if (bytes === undefined) throw new Error(`${left} bytes are missing`);
          connection.check(bytes);
          left -= bytes.length;
        }
        return true;
      }
      case "discard":
        connection.discarding = true;
        connection.discard();
        return true;
      case "shutdown":
        stream.shutdown();
        return true;
      case "close":
        stream.close();
        return true;
      case "abort":
        stream.abort();
        return true;
      case "configure":
        stream.configure(this.#options(bare, named));
        return true;
    }
    return false;
  }

  #options(bare: string[], named: Map<string, string>): TcpOptions {
    const wanted = named.get("keepalive");
    const keepAlive = wanted === "off" ? undefined : wanted?.split("/").map(Number);
    const number = (key: string) => (named.has(key) ? this.#number(named.get(key)!) : undefined);
    return {
      ...(bare[0] === undefined ? {} : { coalesce: bare[0] as "nagle" | "no-delay" }),
      ...(wanted === "off" && { keepAlive: undefined }),
      ...(keepAlive && { keepAlive: { idleMs: keepAlive[0]!, intervalMs: keepAlive[1]!, probes: keepAlive[2]! } }),
      ...(named.has("user-timeout") && { userTimeoutMs: number("user-timeout") }),
      ...(named.has("ttl") && { hopLimit: number("ttl") }),
      ...(named.has("tos") && { trafficClass: number("tos") }),
    };
  }

  #expectation(name: string, bare: string[], connection: Connection): boolean {
    const { stream, told } = connection;
    switch (name) {
      case "state":
        equal("state", stream.state, bare[0]);
        return true;
      case "open":
        if (told.has("closed")) throw new Error(`it was closed: ${connection.failure ?? "in order"}`);
        return true;
      case "closed":
        if (!told.has("closed")) throw new Error(`it was not closed; state ${stream.state}`);
        equal("failure", connection.failure, bare[0]);
        return true;
      case "connected":
      case "writable":
        if (!told.delete(name)) throw new Error(`${name} was not told`);
        return true;
      case "unconnected":
        if (told.has("connected")) throw new Error("connected was told");
        return true;
      case "ended":
        if (!stream.ended) throw new Error("the peer has not ended its side");
        return true;
      case "readable":
        equal("readable", stream.readableBytes, this.#number(bare[0]!));
        return true;
      case "space":
        compare("space", stream.room, bare[0]!, this.#number(bare[1]!));
        return true;
      case "stat": {
        const value = stream.statistics()[bare[0] as "congestionWindow"];
        compare(bare[0]!, value, bare[1]!, this.#number(bare[2]!));
        return true;
      }
    }
    return false;
  }
}

function equal(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) throw new Error(`${what}: ${actual}, not ${wanted}`);
}

function compare(what: string, actual: number, operator: string, wanted: number): void {
  const holds = {
    "=": actual === wanted,
    "<": actual < wanted,
    "<=": actual <= wanted,
    ">": actual > wanted,
    ">=": actual >= wanted,
  }[operator];
  if (holds === undefined) throw new Error(`not a comparison: ${operator}`);
  if (!holds) throw new Error(`${what}: ${actual}, not ${operator} ${wanted}`);
}
