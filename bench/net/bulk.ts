/** Sends as much as a connection takes, and counts what is read at its other end. */
import { IpAddress } from "../../host/net/address.ts";
import type { NetStack } from "../../host/net/stack.ts";
import type { TcpStream } from "../../host/net/tcp/face.ts";

const PORT = 5001;
const PIECE = new Uint8Array(256 << 10);

export class Bulk {
  readonly stream: TcpStream;
  bytes = 0;

  /** @param to address of the receiving stack */
  constructor(from: NetStack, to: NetStack, address: string) {
    const server = to.tcp.listen({
      port: PORT,
      acceptable: () => {
        const stream = typeof server === "string" ? undefined : server.accept();
        if (stream === undefined) return;
        const readable = () => {
          for (let piece = stream.read(); piece !== undefined; piece = stream.read()) this.bytes += piece.length;
        };
        stream.handler = { readable };
      },
    });
    const stream = from.tcp.connect({ remote: IpAddress.parse(address)!, remotePort: PORT });
    if (typeof stream === "string" || typeof server === "string") throw new Error("no connection could be made");
    this.stream = stream;
    const feed = () => {
      while (stream.write(PIECE, "given") > 0);
    };
    stream.handler = { connected: feed, writable: feed, closed: (failure) => console.error(`closed: ${failure}`) };
  }
}

/** What passed, per second of the clock and per second of this process's CPU time. */
export interface Speed {
  readonly gigabitsPerSecond: number;
  readonly gigabitsPerCpuSecond: number;
}

export class Meter {
  readonly #at = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get seconds(): number {
    return (performance.now() - this.#at) / 1000;
  }

  speed(bytes: number): Speed {
    const gigabits = ((bytes - this.#bytes) * 8) / 1e9;
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      gigabitsPerSecond: gigabits / this.seconds,
      gigabitsPerCpuSecond: gigabits / ((user + system) / 1e6),
    };
  }
}
