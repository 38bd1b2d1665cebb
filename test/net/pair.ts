/**
 * Two stacks and a link between them, on a virtual clock: what the tests of TCP play with. Payload is a pattern that depends on its place in
 * the stream, so that a byte that is lost, doubled or moved is seen where it is read.
 */
import { IpAddress } from "../../host/net/address.ts";
import type { TcpConnectOptions, TcpFailure, TcpListenOptions, TcpServer, TcpStream } from "../../host/net/tcp/face.ts";
import { Random } from "../simulation/random.ts";
import { VirtualClock } from "./clock.ts";
import { Host } from "./host.ts";
import { Link, type LinkConditions } from "./link.ts";
import { tooBig } from "./too-big.ts";

export const NEAR = { 4: "10.0.0.1", 6: "fd00::1" } as const;
export const FAR = { 4: "10.0.0.2", 6: "fd00::2" } as const;
export const PORT = 7000;

export interface PairOptions {
  readonly seed?: number;
  readonly mtu?: number;
  readonly there?: Partial<LinkConditions>;
  readonly back?: Partial<LinkConditions>;
  readonly budgetBytes?: number;
}

export class Pair {
  readonly clock = new VirtualClock();
  readonly near: Host;
  readonly far: Host;
  readonly there: Link;
  readonly back: Link;

  constructor({ seed = 1, mtu = 1420, there = {}, back = there, budgetBytes }: PairOptions = {}) {
    const { clock } = this;
    const random = new Random(seed);
    const budget = budgetBytes === undefined ? {} : { budgetBytes };
    this.near = new Host(clock, random, {
      addresses: [NEAR[4], NEAR[6]],
      mtu,
      send: (packet) => this.there.send(packet),
      ...budget,
    });
    this.far = new Host(clock, random, {
      addresses: [FAR[4], FAR[6]],
      mtu,
      send: (packet) => this.back.send(packet),
      ...budget,
    });
    this.there = new Link(clock, random, there, {
      deliver: (packet) => this.far.receive(packet),
      tooBig: (packet, limit) => this.near.receive(tooBig(packet, limit)),
    });
    this.back = new Link(clock, random, back, {
      deliver: (packet) => this.near.receive(packet),
      tooBig: (packet, limit) => this.far.receive(tooBig(packet, limit)),
    });
  }

  listen(options: Partial<TcpListenOptions> = {}): TcpServer {
    const server = this.far.stack.tcp.listen({ port: PORT, ...options });
    if (typeof server === "string") throw new Error(server);
    return server;
  }

  connect(options: Partial<TcpConnectOptions> = {}, family: 4 | 6 = 4): TcpStream {
    const remote = IpAddress.parse(FAR[family])!;
    const stream = this.near.stack.tcp.connect({ remote, remotePort: PORT, ...options });
    if (typeof stream === "string") throw new Error(stream);
    return stream;
  }

  /** A connection and its two ends, made. */
  connected(options: Partial<TcpConnectOptions> = {}, family: 4 | 6 = 4): [TcpStream, TcpStream] {
    let accepted: TcpStream | undefined;
    const server = this.listen({ acceptable: () => (accepted = server.accept()) });
    const stream = this.connect(options, family);
    this.clock.runWhile(() => accepted === undefined || stream.state !== "ESTABLISHED", this.clock.now + 60_000);
    if (accepted === undefined) throw new Error("the connection was not made");
    return [stream, accepted];
  }
}

/** The byte at a place of the stream. */
export function byteAt(place: number, salt: number): number {
  return (Math.imul(place + salt, 0x9e3779b1) >>> 24) & 0xff;
}

export function pattern(from: number, length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = byteAt(from + i, salt);
  return bytes;
}

/** Writes `total` pattern bytes as room comes, then ends its side. */
export class Writer {
  readonly stream: TcpStream;
  readonly total: number;
  readonly #salt: number;
  readonly #piece: number;
  written = 0;

  constructor(stream: TcpStream, total: number, { salt = 0, piece = 64 << 10 } = {}) {
    this.stream = stream;
    this.total = total;
    this.#salt = salt;
    this.#piece = piece;
  }

  write(): void {
    while (this.written < this.total) {
      const length = Math.min(this.#piece, this.total - this.written);
      const taken = this.stream.write(pattern(this.written, length, this.#salt), "given");
      this.written += taken;
      if (taken < length) return;
    }
    this.stream.shutdown();
  }
}

/** Reads everything there is and looks at each byte. */
export class Reader {
  readonly stream: TcpStream;
  readonly #salt: number;
  read = 0;
  ended = false;

  constructor(stream: TcpStream, salt = 0) {
    this.stream = stream;
    this.#salt = salt;
  }

  take(): void {
    for (let bytes = this.stream.read(); bytes !== undefined; bytes = this.stream.read()) {
      for (let i = 0; i < bytes.length; i++) {
        if (bytes[i] !== byteAt(this.read + i, this.#salt))
          throw new Error(`byte ${this.read + i} is not what was sent`);
      }
      this.read += bytes.length;
    }
    this.ended ||= this.stream.ended;
  }
}

/** How one end of a connection got on. */
export interface EndReport {
  readonly stream: TcpStream;
  readonly reader: Reader;
  readonly writer: Writer;
  closed: boolean;
  failure: TcpFailure | undefined;
}

/** Have an end send `total` bytes and read what comes. */
export function exchange(stream: TcpStream, total: number, { salt = 0, piece = 64 << 10 } = {}): EndReport {
  const reader = new Reader(stream, 1 - salt);
  const writer = new Writer(stream, total, { salt, piece });
  const report: EndReport = { stream, reader, writer, closed: false, failure: undefined };
  stream.handler = {
    readable: () => reader.take(),
    writable: () => writer.write(),
    closed: (failure) => {
      report.closed = true;
      report.failure = failure;
    },
  };
  writer.write();
  return report;
}
