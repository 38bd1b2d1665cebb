/**
 * Puts fragments together (RFC 791, RFC 8200 §4.5). A datagram whose fragments overlap is dropped whole, and so is what else comes
 * of it (RFC 5722, for IPv4 too); an exact copy of a fragment is no overlap. Bounded in time, in bytes held for all and for one
 * sender, and in fragments of a datagram: many small pieces buy no memory.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { TimerQueue } from "../../time/timer-queue.ts";
import type { MemoryBudget } from "../budget.ts";
import type { Timer } from "../transport.ts";
import { type IpHeader, sealIpv4 } from "./header.ts";
import { DATAGRAM_BYTES_MAX, FRAGMENT_HEADER_BYTES, IPV6_HEADER_BYTES } from "./protocols.ts";

/** RFC 8200 wants 60 s; RFC 1122 §3.3.2 60 to 120 s. */
const LIFETIME_MS = 60_000;
/** The largest datagram in IPv4 packets of 576 bytes has 118. */
const FRAGMENTS_MAX = 160;
/** What a fragment, or a datagram, costs beside its bytes. */
const OVERHEAD_BYTES = 256;
/** As Linux's ipfrag_high_thresh. */
const HELD_BYTES_MAX = 4 << 20;

export interface ReassemblyEvents {
  /** The time is up. @param first the first fragment, as it came, if it did */
  expired(first: Uint8Array | undefined): void;
  /** Dropped before it was whole: its fragments overlap or are too many, or the memory was needed. */
  discarded(): void;
}

export interface ReassemblyContext {
  readonly now: Instant;
  readonly timers: TimerQueue<Timer>;
  readonly budget: MemoryBudget;
}

interface Fragment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Datagram {
  readonly key: string;
  readonly sender: string;
  readonly expires: Instant;
  /** By offset; never overlapping. */
  readonly fragments: Fragment[];
  /** The first fragment, headers and all. */
  first: Uint8Array | undefined;
  /** Its headers, without the fragment header. */
  headers: Uint8Array | undefined;
  /** Payload bytes of the whole; -1 before the last fragment has come. */
  total: number;
  received: number;
  charged: number;
  /** Once true, all that comes of it is dropped until it expires. */
  spoilt: boolean;
}

export class Reassembly implements Timer {
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  readonly #context: ReassemblyContext;
  readonly #events: ReassemblyEvents;
  readonly #limit: number;
  /** In the order they expire in. */
  readonly #datagrams = new Map<string, Datagram>();
  /** What each sender holds, in the order it expires in: whoever has too much pays at once, however much others hold. */
  readonly #senders = new Map<string, { charged: number; readonly datagrams: Set<Datagram> }>();
  #charged = 0;

  constructor(context: ReassemblyContext, events: ReassemblyEvents, heldBytesMax = HELD_BYTES_MAX) {
    this.#context = context;
    this.#events = events;
    this.#limit = heldBytesMax;
  }

  /** Bytes held, with what keeping them costs. */
  get heldBytes(): number {
    return this.#charged;
  }

  /** Datagrams that are not whole yet. */
  get count(): number {
    return this.#datagrams.size;
  }

  /**
   * A fragment came in; its bytes are copied.
   * @returns the whole packet, an array of its own and as if it had never been cut, if this was the last piece missing
   */
  add(bytes: Uint8Array, header: IpHeader): Uint8Array | undefined {
    const key = keyOf(bytes, header);
    const datagram = this.#datagrams.get(key) ?? this.#open(key, header);
    if (datagram === undefined || datagram.spoilt) return undefined;
    const { fragmentOffset: offset, payloadBytes } = header;
    const payload = bytes.subarray(header.payloadAt, header.end);
    const index = placeOf(datagram.fragments, offset);
    if (isCopy(datagram.fragments[index], offset, payload)) return undefined;
    const fits = isApart(datagram, index, offset, payloadBytes) && agreesOnEnd(datagram, offset, header);
    if (!fits || datagram.fragments.length >= FRAGMENTS_MAX) return this.#spoil(datagram);
    const first = offset === 0 ? header.end - header.packet : 0;
    if (!this.#charge(datagram, payloadBytes + OVERHEAD_BYTES + 2 * first)) return this.#discard(datagram);
    datagram.fragments.splice(index, 0, { offset, bytes: payload.slice() });
    datagram.received += payloadBytes;
    if (!header.moreFragments) datagram.total = offset + payloadBytes;
    if (offset === 0) keepFirst(datagram, bytes, header);
    if (datagram.received === datagram.total) return this.#finish(datagram);
    this.#makeRoom(datagram.sender);
    return undefined;
  }

  /** Give up what has waited too long. */
  wake(now: Instant): void {
    for (const datagram of this.#datagrams.values()) {
      if (datagram.expires > now) return this.#context.timers.schedule(this, datagram.expires);
      this.#remove(datagram);
      if (!datagram.spoilt) this.#events.expired(datagram.first);
    }
  }

  close(): void {
    for (const datagram of this.#datagrams.values()) this.#remove(datagram);
    this.#context.timers.remove(this);
  }

  #open(key: string, header: IpHeader): Datagram | undefined {
    const datagram: Datagram = {
      key,
      sender: key.slice(0, header.version === 4 ? 4 : 8), // the IPv4 address, or the /64
      expires: this.#context.now + LIFETIME_MS,
      fragments: [],
      first: undefined,
      headers: undefined,
      total: -1,
      received: 0,
      charged: 0,
      spoilt: false,
    };
    if (!this.#charge(datagram, OVERHEAD_BYTES)) {
      this.#events.discarded();
      return undefined;
    }
    this.#datagrams.set(key, datagram);
    this.#senders.get(datagram.sender)!.datagrams.add(datagram);
    this.#context.timers.schedule(this, datagram.expires);
    return datagram;
  }

  #finish(datagram: Datagram): Uint8Array | undefined {
    const { headers, total, fragments } = datagram;
    const length = headers!.length + total;
    const ipv4 = headers![0]! >> 4 === 4;
    if (length > DATAGRAM_BYTES_MAX + (ipv4 ? 0 : IPV6_HEADER_BYTES)) return this.#spoil(datagram);
    const packet = new Uint8Array(length);
    packet.set(headers!, 0);
    for (const { offset, bytes } of fragments) packet.set(bytes, headers!.length + offset);
    const view = new DataView(packet.buffer);
    if (ipv4) {
      view.setUint16(2, length);
      view.setUint16(6, 0);
      sealIpv4(view, 0, headers!.length);
    } else {
      view.setUint16(4, length - IPV6_HEADER_BYTES);
    }
    this.#remove(datagram);
    return packet;
  }

  /** Keep its name until it expires, so that its other fragments are known for what they are, and nothing else. */
  #spoil(datagram: Datagram): undefined {
    datagram.spoilt = true;
    datagram.fragments.length = 0;
    datagram.first = undefined;
    datagram.headers = undefined;
    this.#charge(datagram, OVERHEAD_BYTES - datagram.charged);
    this.#events.discarded();
  }

  #discard(datagram: Datagram): undefined {
    this.#remove(datagram);
    this.#events.discarded();
  }

  /** @returns false if the network has no memory for that */
  #charge(datagram: Datagram, bytes: number): boolean {
    const { budget } = this.#context;
    if (bytes > 0 && !budget.take(bytes)) return false;
    if (bytes < 0) budget.give(-bytes);
    datagram.charged += bytes;
    this.#charged += bytes;
    let sender = this.#senders.get(datagram.sender);
    if (sender === undefined) {
      sender = { charged: 0, datagrams: new Set() };
      this.#senders.set(datagram.sender, sender);
    }
    sender.charged += bytes;
    if (sender.charged === 0) this.#senders.delete(datagram.sender);
    return true;
  }

  /** A sender with more than a quarter pays with its own, the oldest first; only then the oldest of all go. */
  #makeRoom(sender: string): void {
    const own = this.#senders.get(sender);
    for (const datagram of own?.datagrams ?? []) {
      if (own!.charged <= this.#limit / 4) break;
      this.#discard(datagram);
    }
    for (const datagram of this.#datagrams.values()) {
      if (this.#charged <= this.#limit) return;
      this.#discard(datagram);
    }
  }

  #remove(datagram: Datagram): void {
    this.#datagrams.delete(datagram.key);
    this.#senders.get(datagram.sender)?.datagrams.delete(datagram);
    this.#charge(datagram, -datagram.charged);
  }
}

/** RFC 791 §3.2: source, destination, identification, protocol; RFC 8200 §4.5: without the protocol. */
function keyOf(bytes: Uint8Array, { version, addressesAt, identification, protocol }: IpHeader): string {
  const length = version === 4 ? 8 : 32;
  let key = "";
  for (let i = 0; i < length; i++) key += String.fromCharCode(bytes[addressesAt + i]!);
  return version === 4 ? `${key}${identification} ${protocol}` : `${key}${identification}`;
}

/** Where a fragment with this offset belongs. */
function placeOf(fragments: readonly Fragment[], offset: number): number {
  let index = fragments.length;
  while (index > 0 && fragments[index - 1]!.offset >= offset) index -= 1;
  return index;
}

function isCopy(fragment: Fragment | undefined, offset: number, payload: Uint8Array): boolean {
  if (fragment === undefined || fragment.offset !== offset || fragment.bytes.length !== payload.length) return false;
  return fragment.bytes.every((byte, i) => byte === payload[i]);
}

/** True if it touches none of the others. */
function isApart({ fragments }: Datagram, index: number, offset: number, length: number): boolean {
  const before = fragments[index - 1];
  const after = fragments[index];
  if (before !== undefined && before.offset + before.bytes.length > offset) return false;
  return after === undefined || offset + length <= after.offset;
}

/** There is one last fragment, and nothing behind it. */
function agreesOnEnd({ fragments, total }: Datagram, offset: number, header: IpHeader): boolean {
  if (total >= 0) return header.moreFragments && offset + header.payloadBytes <= total;
  const furthest = fragments.at(-1);
  return header.moreFragments || furthest === undefined || furthest.offset < offset;
}

function keepFirst(datagram: Datagram, bytes: Uint8Array, { version, packet, payloadAt, end }: IpHeader): void {
  datagram.first = bytes.slice(packet, end);
  if (version === 4) {
    datagram.headers = datagram.first.slice(0, payloadAt - packet);
    return;
  }
  const headerEnd = payloadAt - packet - FRAGMENT_HEADER_BYTES;
  const headers = datagram.first.slice(0, headerEnd);
  headers[nameOfNext(headers)] = bytes[payloadAt - FRAGMENT_HEADER_BYTES]!;
  datagram.headers = headers;
}

/** Where the last of these IPv6 headers, which were checked, names what follows it. */
function nameOfNext(headers: Uint8Array): number {
  let namedAt = 6;
  for (let at = IPV6_HEADER_BYTES; at < headers.length; at += (headers[at + 1]! + 1) * 8) namedAt = at;
  return namedAt;
}
