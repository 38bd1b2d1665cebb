/**
 * UDP through node:dgram, which Node, Deno and Bun have: one IPv4 and one IPv6 socket on the same port. It can choose
 * neither the source address of a datagram nor its traffic class.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Endpoint } from "../../core/core.ts";
import { PortInUseError } from "../../errors.ts";
import { formatAddress, parseAddress } from "../../uapi/ip.ts";
import { ascii } from "../../uapi/text.ts";
import { runtime } from "../platform.ts";
import type { Bind, BindEvents } from "./bind.ts";
import { BindError } from "./errors.ts";
import { systemZones } from "./zones.ts";

/** Asked of the system, which may grant less; the default overflows within milliseconds. */
const SOCKET_BUFFER_BYTES = 4 << 20;
/** Bytes given to the sockets and not confirmed yet; more is dropped. */
const UNSENT_BYTES = 4 << 20;
/** Senders whose address is kept as bytes; anyone may send, so it is bounded. */
const KNOWN_SENDERS = 1024;
/** How often a free port of one family may turn out to be taken in the other. */
const PORT_ATTEMPTS = 10;

type Family = 4 | 6;

export interface DgramBindOptions {
  /** Local address to bind, or false for no IPv4. Default: "0.0.0.0". */
  readonly ipv4?: string | false | undefined;
  /** Local address to bind, or false for no IPv6. Default: "::". A machine without IPv6 is no error. */
  readonly ipv6?: string | false | undefined;
}

export class DgramBind implements Bind {
  readonly #addresses: Readonly<Record<Family, string | false>>;
  readonly #senders = new Map<string, Endpoint>();
  readonly #texts = new WeakMap<Endpoint, string>();
  #sockets: Partial<Record<Family, Socket>> = {};
  #events: BindEvents | undefined;
  #unsentBytes = 0;

  constructor({ ipv4 = "0.0.0.0", ipv6 = "::" }: DgramBindOptions = {}) {
    this.#addresses = { 4: ipv4, 6: ipv6 };
  }

  async open(port: number, events: BindEvents): Promise<number> {
    await this.close();
    this.#events = events;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#openBoth(port);
      } catch (error) {
        await this.close();
        if (codeOf(error) !== "EADDRINUSE") throw new BindError(port, error);
        if (port !== 0 || attempt === PORT_ATTEMPTS) throw new PortInUseError(port, error);
        this.#events = events;
      }
    }
  }

  async #openBoth(port: number): Promise<number> {
    const failures: unknown[] = [];
    let bound = port;
    for (const family of [4, 6] as const) {
      const address = this.#addresses[family];
      if (address === false) continue;
      try {
        const socket = await this.#openFamily(family, address, bound);
        bound = socket.address().port;
      } catch (error) {
        if (codeOf(error) === "EADDRINUSE") throw error;
        failures.push(error);
      }
    }
    if (this.#sockets[4] === undefined && this.#sockets[6] === undefined) throw failures[0];
    return bound;
  }

  async #openFamily(family: Family, address: string, port: number): Promise<Socket> {
    const socket = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      ipv6Only: family === 6,
      // Addresses are numeric always; node:dgram would look each of them up again, one turn later.
      lookup: (host, _options, done) => done(null, host, family),
    });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind({ port, address, exclusive: true }, () => {
          socket.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      closeQuietly(socket);
      throw error;
    }
    enlargeBuffers(socket);
    socket.on("message", (datagram, sender) => {
      if (this.#sockets[family] === socket) this.#receive(datagram, sender);
    });
    socket.on("error", (error) => {
      if (this.#sockets[family] === socket) this.#events?.failed(error);
    });
    this.#sockets[family] = socket;
    return socket;
  }

  #receive(datagram: Uint8Array, { address, port }: RemoteInfo): void {
    const key = `${address} ${port}`;
    let from = this.#senders.get(key);
    if (from === undefined) {
      from = endpointOf(address, port);
      if (from === undefined) return;
      if (this.#senders.size >= KNOWN_SENDERS) this.#senders.clear();
      this.#senders.set(key, from);
    }
    this.#events?.receive(datagram, from);
  }

  send(datagram: Uint8Array, to: Endpoint): boolean {
    const socket = this.#sockets[to.address.length === 4 ? 4 : 6];
    const { length } = datagram;
    if (socket === undefined || to.port === 0 || this.#unsentBytes + length > UNSENT_BYTES) return false;
    let address = this.#texts.get(to);
    if (address === undefined) {
      address = addressText(to);
      this.#texts.set(to, address);
    }
    const events = this.#events;
    this.#unsentBytes += length;
    try {
      socket.send(datagram, to.port, address, (error) => {
        this.#unsentBytes -= length;
        if (error !== null && this.#events === events) events?.lost();
      });
    } catch {
      // What a runtime refuses at once it does not confirm.
      this.#unsentBytes -= length;
      return false;
    }
    return true;
  }

  async close(): Promise<void> {
    const sockets = Object.values(this.#sockets);
    this.#sockets = {};
    this.#events = undefined;
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}

/** Zone and all, as node:dgram has them. */
function endpointOf(address: string, port: number): Endpoint | undefined {
  const percent = address.indexOf("%");
  const host = ascii(percent < 0 ? address : address.slice(0, percent));
  const bytes = parseAddress(host, 0, host.length);
  const zone = percent < 0 ? "" : address.slice(percent + 1);
  return bytes && { address: bytes, port, scope: zone === "" ? 0 : (systemZones.indexOf(zone) ?? Number(zone)) || 0 };
}

function addressText({ address, scope }: Endpoint): string {
  const host = formatAddress(address);
  return scope === 0 ? host : `${host}%${systemZones.nameOf(scope) ?? scope}`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Best effort. Deno asks nothing of the system, but allocates as much for every datagram that it receives. */
function enlargeBuffers(socket: Socket): void {
  if (runtime() === "deno") return;
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  } catch {
    // The system's own sizes do as well, with more loss under load.
  }
}

/** A socket that could not be bound: some runtimes have closed it already, and say so by throwing. */
function closeQuietly(socket: Socket): void {
  socket.on("error", () => {});
  try {
    socket.close();
  } catch {
    // It is closed.
  }
}
