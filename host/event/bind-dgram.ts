/**
 * UDP through node:dgram, which Node, Deno and Bun have: one IPv4 and one IPv6 socket on the same port. It can choose
 * neither the source address of a datagram nor its traffic class.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { ascii } from "../address/ascii.ts";
import type { Endpoint } from "../address/endpoint.ts";
import { formatAddress, parseAddress } from "../address/ip.ts";
import { PortInUseError } from "../errors.ts";
import { runtime } from "../platform.ts";
import { AddressWatch } from "./address-watch.ts";
import type { Bind, BindEvents } from "./bind.ts";
import { BindError, OptionError } from "./device-errors.ts";
import { readOptions } from "./options.ts";
import { systemZones } from "./zones.ts";

/** Asked of the system, which may grant less; the default overflows within milliseconds. */
const SOCKET_BUFFER_BYTES = 4 << 20;
/** Bytes given to the sockets and not confirmed yet; more is dropped. */
const UNSENT_BYTES = 4 << 20;
/** From where on no more should come, and when it may again. */
const FULL_BYTES = UNSENT_BYTES / 2;
const DRAINED_BYTES = UNSENT_BYTES / 4;
/** Senders whose address is kept as bytes; anyone may send, so it is bounded. */
const KNOWN_SENDERS = 1024;
/** How often a free port of one family may turn out to be taken in the other. */
const PORT_ATTEMPTS = 10;
/** The longest address, "%" and the longest name of an interface. */
const ADDRESS_CHARS_MAX = 45 + 1 + 15;

type Family = 4 | 6;

export interface DgramBindOptions {
  /** Local address to bind, or false for no IPv4. Default: "0.0.0.0". */
  readonly ipv4?: string | false | undefined;
  /** Local address to bind, or false for no IPv6. Default: "::". A machine without IPv6 is no error. */
  readonly ipv6?: string | false | undefined;
}

/** What one `open` makes. */
interface Opening {
  readonly port: number;
  /** The port in use, once it is. */
  bound: number | undefined;
  /** Undefined once it was closed, or overtaken by another: no event comes after that. */
  events: BindEvents | undefined;
  sockets: Partial<Record<Family, Socket>>;
  unsentBytes: number;
  full: boolean;
}

export class DgramBind implements Bind {
  readonly #addresses: Readonly<Record<Family, string | false>>;
  readonly #senders = new Map<string, Endpoint>();
  readonly #texts = new WeakMap<Endpoint, string>();
  readonly #watch = new AddressWatch();
  #refs: "ref" | "unref" = "ref";
  #opening: Opening | undefined;
  /** Settles when all that was asked for before is done: calls take turns. */
  #idle: Promise<unknown> = Promise.resolve();

  /** @throws OptionError */
  constructor(options: DgramBindOptions = {}) {
    const { ipv4 = "0.0.0.0", ipv6 = "::" } = readOptions("options", options, ["ipv4", "ipv6"]);
    this.#addresses = { 4: localAddress("ipv4", ipv4, 4), 6: localAddress("ipv6", ipv6, 6) };
    if (ipv4 === false && ipv6 === false) throw new OptionError("ipv6", "an address where ipv4 is false");
  }

  open(port: number, events: BindEvents): Promise<number> {
    const closed = this.close();
    const opening = newOpening(port, events);
    this.#opening = opening;
    const opened = closed.then(() => this.#open(opening));
    this.#idle = opened.catch(() => {});
    return opened;
  }

  /** The new sockets are there before the old ones go. */
  move(port: number): Promise<number> {
    const moved = this.#idle.then(() => this.#move(port));
    this.#idle = moved.catch(() => {});
    return moved;
  }

  async #move(port: number): Promise<number> {
    const old = this.#opening;
    const events = old?.events;
    if (old === undefined || events === undefined) throw new BindError(port, undefined);
    if (port !== 0 && port === old.bound) return port;
    const opening = newOpening(port, events);
    const bound = await this.#open(opening);
    if (this.#opening !== old) {
      await closeSockets(opening);
      throw new BindError(port, undefined);
    }
    this.#opening = opening;
    tellDrained(old);
    old.events = undefined;
    await closeSockets(old);
    return bound;
  }

  ref(): void {
    this.#keep("ref");
  }

  unref(): void {
    this.#keep("unref");
  }

  #keep(refs: "ref" | "unref"): void {
    this.#refs = refs;
    for (const socket of Object.values(this.#opening?.sockets ?? {})) socket[refs]();
  }

  async #open(opening: Opening): Promise<number> {
    const { port } = opening;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#openBoth(opening);
      } catch (error) {
        await closeSockets(opening);
        if (codeOf(error) !== "EADDRINUSE") throw new BindError(port, error);
        if (port !== 0 || attempt === PORT_ATTEMPTS) throw new PortInUseError(port, error);
      }
    }
  }

  async #openBoth(opening: Opening): Promise<number> {
    const failures: unknown[] = [];
    let bound = opening.port;
    for (const family of [4, 6] as const) {
      const address = this.#addresses[family];
      if (address === false) continue;
      try {
        const socket = await this.#openFamily(opening, family, address, bound);
        bound = socket.address().port;
      } catch (error) {
        if (codeOf(error) === "EADDRINUSE") throw error;
        failures.push(error);
      }
    }
    if (opening.sockets[4] === undefined && opening.sockets[6] === undefined) throw failures[0];
    opening.bound = bound;
    this.#watchAddresses();
    return bound;
  }

  #watchAddresses(): void {
    const addresses = Object.values(this.#addresses).filter((address) => address !== false);
    this.#watch.start(addresses, (address, state) => {
      const events = this.#opening?.events;
      if (state === "found") return events?.back?.();
      events?.gone?.(new BindError(undefined, undefined, `the local address ${address} is gone`));
    });
  }

  async #openFamily(opening: Opening, family: Family, address: string, port: number): Promise<Socket> {
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
      if (opening.sockets[family] === socket) this.#receive(opening, datagram, sender);
    });
    socket.on("error", (error) => {
      if (opening.sockets[family] === socket) opening.events?.failed(error);
    });
    if (this.#refs === "unref") socket.unref();
    opening.sockets[family] = socket;
    return socket;
  }

  #receive({ events }: Opening, datagram: Uint8Array, { address, port }: RemoteInfo): void {
    const key = `${address} ${port}`;
    let from = this.#senders.get(key);
    if (from === undefined) {
      from = endpointOf(address, port);
      if (from === undefined) return;
      if (this.#senders.size >= KNOWN_SENDERS) this.#senders.clear();
      this.#senders.set(key, from);
    }
    events?.receive(datagram, from);
  }

  send(datagram: Uint8Array, to: Endpoint): boolean {
    const opening = this.#opening;
    const socket = opening?.sockets[to.address.length === 4 ? 4 : 6];
    if (opening === undefined || socket === undefined || to.port === 0) return false;
    const { length } = datagram;
    if (opening.unsentBytes + length > UNSENT_BYTES) return false;
    let address = this.#texts.get(to);
    if (address === undefined) {
      address = addressText(to);
      this.#texts.set(to, address);
    }
    opening.unsentBytes += length;
    try {
      socket.send(datagram, to.port, address, (error) => {
        opening.unsentBytes -= length;
        if (error !== null) opening.events?.lost(error);
        if (opening.unsentBytes <= DRAINED_BYTES) tellDrained(opening);
      });
    } catch {
      // What a runtime refuses at once it does not confirm.
      opening.unsentBytes -= length;
      return false;
    }
    if (opening.unsentBytes >= FULL_BYTES) tellFull(opening);
    return true;
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#watch.stop();
    if (opening !== undefined) {
      this.#idle = this.#idle.then(() => closeSockets(opening));
      tellDrained(opening);
      opening.events = undefined;
    }
    await this.#idle;
  }
}

function newOpening(port: number, events: BindEvents): Opening {
  return { port, bound: undefined, events, sockets: {}, unsentBytes: 0, full: false };
}

/** Numeric, with a zone if need be: nobody looks a local address up. */
function localAddress(name: string, given: unknown, family: Family): string | false {
  if (given === false) return false;
  const zoned = typeof given === "string" && given.length <= ADDRESS_CHARS_MAX ? given.split("%") : [];
  const host = ascii(zoned[0] ?? "");
  const address = parseAddress(host, 0, host.length);
  if (address?.length === (family === 4 ? 4 : 16) && zoned.length <= (family === 4 ? 1 : 2)) return given as string;
  throw new OptionError(name, `an IPv${family} address of this machine, or false`);
}

function tellFull(opening: Opening): void {
  if (opening.full) return;
  opening.full = true;
  opening.events?.full?.();
}

function tellDrained(opening: Opening): void {
  if (!opening.full) return;
  opening.full = false;
  opening.events?.drained?.();
}

async function closeSockets(opening: Opening): Promise<void> {
  const sockets = Object.values(opening.sockets);
  opening.sockets = {};
  await Promise.allSettled(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
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
