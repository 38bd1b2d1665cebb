/** A connection with web streams, for programs of Deno and Bun: what Deno.Conn is there. */

import { webStream } from "./http/body.ts";
import type { TunnelSocket } from "./socket.ts";

export interface TcpAddress {
  readonly transport: "tcp";
  readonly hostname: string;
  readonly port: number;
}

export class Conn {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly localAddr: TcpAddress;
  readonly remoteAddr: TcpAddress;
  readonly #socket: TunnelSocket;

  /** @param socket is connected, and stays open when the other side has ended */
  constructor(socket: TunnelSocket) {
    this.#socket = socket;
    this.localAddr = { transport: "tcp", hostname: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    this.remoteAddr = { transport: "tcp", hostname: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    this.readable = webStream(socket);
    this.writable = new WritableStream({
      write: (chunk) => this.#write(chunk),
      close: () => this.closeWrite(),
      abort: () => void socket.resetAndDestroy(),
    });
    // Whoever reads or writes is told.
    socket.on("error", () => {});
  }

  #write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** End our side; reading goes on. @throws what has become of the connection before all was sent */
  closeWrite(): Promise<void> {
    return new Promise((resolve, reject) => {
      // Ended already is ended.
      if (this.#socket.writableFinished) return resolve();
      this.#socket.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
  }

  setNoDelay(noDelay = true): void {
    this.#socket.setNoDelay(noDelay);
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
