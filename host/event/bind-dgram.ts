/**
 * UDP by the runtime's own sockets, in Node, Deno and Bun: one for IPv4 and one for IPv6 on the same port. They can choose
 * neither the source address of a datagram nor its traffic class.
 */
import { ascii } from "../address/ascii.ts";
import type { Endpoint } from "../address/endpoint.ts";
import { formatAddress, parseAddress } from "../address/ip.ts";
import { errorCode } from "../error-code.ts";
import { PortInUseError } from "../errors.ts";
import { AddressWatch, mayHaveFamily } from "./address-watch.ts";
import type { Bind, BindEvents } from "./bind.ts";
import type { DatagramSocket } from "./datagram-socket.ts";
import { hasBunSockets, openBunSocket } from "./datagram-socket-bun.ts";
import { openNodeSocket, sendsAtOnce } from "./datagram-socket-node.ts";
import { BindError, OptionError } from "./device-errors.ts";
import { MTU_DEFAULT } from "./mtu.ts";
import { checkInteger, readOptions } from "./options.ts";
import { socketDrops } from "./socket-drops.ts";
import { systemZones } from "./zones.ts";

/** Senders whose address is kept as bytes; anyone may send, so it is bounded. */
const KNOWN_SENDERS = 1024;
/** How often a free port of one family may turn out to be taken in the other. */
const PORT_ATTEMPTS = 10;
/** The longest address, "%" and the longest name of an interface. */
const ADDRESS_CHARS_MAX = 45 + 1 + 15;
/** Header and tag of a transport message, and padding at most (the paper, 5.4.6). */
const MESSAGE_OVERHEAD = 16 + 16 + 15;

type Family = 4 | 6;

export interface DgramBindOptions {
  /** Local address to bind, or false for no IPv4. Default: "0.0.0.0". One that cannot be bound is an error, unless the machine has no IPv4 at all, so far as the program may ask. */
  readonly ipv4?: string | false | undefined;
  /** As `ipv4`. Default: "::". A machine without IPv6 is no error, nor one without ::1. */
  readonly ipv6?: string | false | undefined;
}

/** What one `open` makes. */
interface Opening {
  readonly port: number;
  /** The port in use, once it is. */
  bound: number | undefined;
  /** Undefined once it was closed, or overtaken by another: no event comes after that. */
  events: BindEvents | undefined;
  sockets: Partial<Record<Family, DatagramSocket>>;
  /** Families whose socket has little room. */
  readonly full: Set<Family>;
}

export class DgramBind implements Bind {
  readonly #addresses: Readonly<Record<Family, string | false>>;
  /** Where the runtime has read what it is to send when its call returns. */
  readonly sendTrain?: NonNullable<Bind["sendTrain"]>;
  readonly #senders = new Map<string, Endpoint>();
  /** The last one: mostly the next is of the same. */
  #sender: { readonly address: string; readonly port: number; readonly from: Endpoint } | undefined;
  readonly #texts = new WeakMap<Endpoint, string>();
  readonly #watch = new AddressWatch();
  #refs: "ref" | "unref" = "ref";
  #opening: Opening | undefined;
  /** Of sockets that are closed. */
  #pastDrops = 0n;
  /** Settles when all that was asked for before is done: calls take turns. */
  #idle: Promise<unknown> = Promise.resolve();

  /** @throws OptionError */
  constructor(options: DgramBindOptions = {}) {
    const { ipv4 = "0.0.0.0", ipv6 = "::" } = readOptions("options", options, ["ipv4", "ipv6"]);
    this.#addresses = { 4: localAddress("ipv4", ipv4, 4), 6: localAddress("ipv6", ipv6, 6) };
    if (ipv4 === false && ipv6 === false) throw new OptionError("ipv6", "an address where ipv4 is false");
    if (hasBunSockets() || sendsAtOnce()) this.sendTrain = (train, segment, to) => this.#sendTrain(train, segment, to);
  }

  async open(port: number, events: BindEvents): Promise<number> {
    checkInteger("port", port, 0, 0xffff);
    const opening = newOpening(port, events);
    const closed = this.close();
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
    checkInteger("port", port, 0, 0xffff);
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
    tellAllDrained(old);
    old.events = undefined;
    this.#pastDrops += this.#dropsOf(old);
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
        if (errorCode(error) !== "EADDRINUSE") throw new BindError(port, error);
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
        bound = socket.port;
      } catch (error) {
        if (errorCode(error) === "EADDRINUSE" || (isChosen(address) && mayHaveFamily(family))) throw error;
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

  async #openFamily(opening: Opening, family: Family, address: string, port: number): Promise<DatagramSocket> {
    const open = hasBunSockets() ? openBunSocket : openNodeSocket;
    const socket = await open({
      family,
      address,
      port,
      longest: (opening.events?.mtu ?? MTU_DEFAULT) + MESSAGE_OVERHEAD,
      events: {
        received: (datagram, from, fromPort) => this.#receive(opening, datagram, from, fromPort),
        lost: (cause) => opening.events?.lost(cause),
        failed: (cause) => opening.events?.failed(cause),
        full: () => tellFull(opening, family),
        drained: () => tellDrained(opening, family),
      },
    });
    opening.sockets[family] = socket;
    if (this.#refs === "unref") socket.unref();
    return socket;
  }

  /** Since the sockets are there, on Linux, and in Deno with all permissions. */
  get drops(): bigint {
    return this.#pastDrops + (this.#opening === undefined ? 0n : this.#dropsOf(this.#opening));
  }

  #dropsOf({ sockets }: Opening): bigint {
    let drops = 0n;
    for (const family of [4, 6] as const) {
      const [socket, address] = [sockets[family], this.#addresses[family]];
      if (socket !== undefined && address !== false) drops += socketDrops(family, address, socket.port);
    }
    return drops;
  }

  #receive({ events }: Opening, datagram: Uint8Array, address: string, port: number): void {
    if (events === undefined) return;
    let sender = this.#sender;
    if (sender === undefined || sender.port !== port || sender.address !== address) {
      const from = this.#endpoint(address, port);
      if (from === undefined) return;
      sender = { address, port, from };
      this.#sender = sender;
    }
    events.receive(datagram, sender.from);
  }

  #endpoint(address: string, port: number): Endpoint | undefined {
    const key = `${address} ${port}`;
    const known = this.#senders.get(key);
    if (known !== undefined) return known;
    const from = endpointOf(address, port);
    if (from === undefined) return undefined;
    if (this.#senders.size >= KNOWN_SENDERS) this.#senders.clear();
    this.#senders.set(key, from);
    return from;
  }

  send(datagram: Uint8Array, to: Endpoint): boolean {
    const socket = this.#socketFor(to);
    return socket?.send(datagram, to.port, this.#textOf(to)) ?? false;
  }

  #sendTrain(train: Uint8Array, segment: number, to: Endpoint): boolean {
    const socket = this.#socketFor(to);
    socket?.sendTrain?.(train, segment, to.port, this.#textOf(to));
    return socket !== undefined;
  }

  #socketFor(to: Endpoint): DatagramSocket | undefined {
    return to.port === 0 ? undefined : this.#opening?.sockets[to.address.length === 4 ? 4 : 6];
  }

  #textOf(to: Endpoint): string {
    let text = this.#texts.get(to);
    if (text === undefined) {
      text = addressText(to);
      this.#texts.set(to, text);
    }
    return text;
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#watch.stop();
    if (opening !== undefined) {
      this.#idle = this.#idle.then(() => closeSockets(opening));
      tellAllDrained(opening);
      opening.events = undefined;
    }
    await this.#idle;
  }
}

function newOpening(port: number, events: BindEvents): Opening {
  return { port, bound: undefined, events, sockets: {}, full: new Set() };
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

/** Whether it is one address, which whoever named it counts on. Where lo lacks ::1 (disable_ipv6), nobody could send there either. */
function isChosen(address: string): boolean {
  return /[^0.:]/.test(address) && address !== "::1";
}

function tellFull({ full, events }: Opening, family: Family): void {
  if (full.has(family)) return;
  full.add(family);
  if (full.size === 1) events?.full?.();
}

function tellDrained({ full, events }: Opening, family: Family): void {
  if (full.delete(family) && full.size === 0) events?.drained?.();
}

function tellAllDrained(opening: Opening): void {
  for (const family of opening.full) tellDrained(opening, family);
}

async function closeSockets(opening: Opening): Promise<void> {
  const sockets = Object.values(opening.sockets);
  opening.sockets = {};
  await Promise.all(sockets.map((socket) => socket.close()));
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
