/**
 * UDP (RFC 768, RFC 8200 §8.1 for IPv6): finds the socket a datagram is for, tells senders of ports that nobody has, and sends what
 * sockets were given. Datagrams of one size to one destination leave as one superpacket, which the core splits.
 */
import type { IpAddress } from "../address.ts";
import { complement, fold, sum } from "../checksum.ts";
import type { IcmpErrors } from "../icmp/icmp-errors.ts";
import type { Inbound } from "../inbound.ts";
import { UDP } from "../ip/protocols.ts";
import { Telling } from "../telling.ts";
import type { Context, IcmpError, Transport } from "../transport.ts";
import { PortTable } from "./ports.ts";
import {
  type Datagram,
  type OutgoingDatagram,
  type SocketOwner,
  type UdpFailure,
  UdpSocket,
  type UdpSocketOptions,
} from "./socket.ts";

const HEADER_BYTES = 8;
const LENGTH_OFFSET = 4;
const CHECKSUM_OFFSET = 6;
/** As UDP_MAX_SEGMENTS of Linux was, and as the core splits. */
const SEGMENTS_MAX = 64;
const SUPERPACKET_BYTES_MAX = 65_535;

export class Udp implements Transport, SocketOwner {
  readonly context: Context;
  readonly #errors: IcmpErrors;
  readonly #ports: PortTable<UdpSocket>;
  /** Sockets with something to send or to tell. */
  #busy = new Set<UdpSocket>();
  #scratch = new Uint8Array(0);
  #closed = false;

  constructor(context: Context, errors: IcmpErrors) {
    this.context = context;
    this.#errors = errors;
    this.#ports = new PortTable(context.random);
  }

  /** @returns EADDRINUSE, or EADDRNOTAVAIL when the address is not ours; ENOBUFS when no port is free */
  open(options: UdpSocketOptions = {}): UdpSocket | UdpFailure {
    const { local } = options;
    if (this.#closed) return "ENETDOWN";
    if (local !== undefined && !this.context.ip.isOurs(local)) return "EADDRNOTAVAIL";
    const port = options.localPort || this.#ports.ephemeral();
    if (port === undefined) return "ENOBUFS";
    const socket = new UdpSocket(this, port, options);
    return this.#ports.add(socket) ? socket : "EADDRINUSE";
  }

  /** Sockets as of now. */
  sockets(): readonly UdpSocket[] {
    return this.#ports.all;
  }

  receive(packet: Inbound): void {
    const { counters } = this.context;
    const { view, start, end, segment } = packet;
    if (end - start < HEADER_BYTES) return counters.add("udpMalformed");
    // In a merged packet the length is that of all.
    const length = segment > 0 ? end - start : view.getUint16(start + LENGTH_OFFSET);
    if (length < HEADER_BYTES || length > end - start) return counters.add("udpMalformed");
    if (!isSound(packet, length)) return counters.add("udpChecksum");
    const fromPort = view.getUint16(start);
    const port = view.getUint16(start + 2);
    if (port === 0) return counters.add("udpMalformed");
    const socket = this.#ports.find(packet, port, fromPort);
    if (socket === undefined || socket.closed) {
      counters.add("udpNoSocket");
      return this.#errors.portUnreachable(packet);
    }
    const [from, to] = [packet.source(), packet.destination()];
    const { hopLimit, trafficClass, bytes } = packet;
    const dataEnd = start + length;
    const step = segment > 0 ? segment : length;
    let at = start + HEADER_BYTES;
    do {
      const data = bytes.slice(at, Math.min(at + step, dataEnd));
      socket.deliver({ bytes: data, from, fromPort, to, hopLimit, trafficClass } satisfies Datagram);
      at += step;
    } while (at < dataEnd);
  }

  error(error: IcmpError): void {
    const { view, start, local } = error;
    const socket = this.#ports.sender(local, view.getUint16(start));
    if (socket === undefined || !socket.error(error, view.getUint16(start + 2)))
      this.context.counters.add("icmpUnknown");
  }

  busy(socket: UdpSocket): void {
    this.#busy.add(socket);
    this.context.wake();
  }

  forget(socket: UdpSocket): void {
    this.#ports.remove(socket);
    this.#busy.delete(socket);
  }

  turn(): void {
    for (const socket of this.#busy) {
      if (!this.#send(socket)) return;
    }
  }

  /** @returns false if the sink is full */
  #send(socket: UdpSocket): boolean {
    const { waiting } = socket;
    const { length } = waiting;
    let sent = 0;
    while (sent < length) {
      const count = runOf(waiting, sent, this.context.ip.pathMtu(waiting[sent]!.flow.remote));
      const done = count > 1 ? this.#sendRun(socket, waiting, sent, count) : this.#sendOne(socket, waiting[sent]!);
      if (!done) break;
      sent += count;
    }
    socket.sent(sent);
    return sent === length;
  }

  #sendRun(socket: UdpSocket, waiting: readonly OutgoingDatagram[], from: number, count: number): boolean {
    const { ip } = this.context;
    const first = waiting[from]!;
    const segment = first.bytes.length;
    const last = waiting[from + count - 1]!.bytes.length;
    const length = HEADER_BYTES + segment * (count - 1) + last;
    const at = ip.reserve(first.flow, UDP, length);
    if (at < 0) return false;
    this.#writeHeader(ip.view, at, socket.localPort, first.port, length);
    for (let i = 0; i < count; i++) ip.bytes.set(waiting[from + i]!.bytes, at + HEADER_BYTES + i * segment);
    ip.commit(CHECKSUM_OFFSET, HEADER_BYTES, segment);
    return true;
  }

  #sendOne(socket: UdpSocket, { flow, port, bytes }: OutgoingDatagram): boolean {
    const { ip } = this.context;
    const length = HEADER_BYTES + bytes.length;
    if (length + headerBytes(flow.remote) > ip.pathMtu(flow.remote))
      return this.#sendFragments(socket, { flow, port, bytes });
    const at = ip.reserve(flow, UDP, length);
    if (at < 0) return false;
    this.#writeHeader(ip.view, at, socket.localPort, port, length);
    ip.bytes.set(bytes, at + HEADER_BYTES);
    ip.commit(CHECKSUM_OFFSET, HEADER_BYTES, 0);
    return true;
  }

  #sendFragments(socket: UdpSocket, { flow, port, bytes }: OutgoingDatagram): boolean {
    const length = HEADER_BYTES + bytes.length;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length);
    const payload = this.#scratch.subarray(0, length);
    const view = new DataView(payload.buffer, 0, length);
    this.#writeHeader(view, 0, socket.localPort, port, length);
    payload.set(bytes, HEADER_BYTES);
    const checksum = complement(sum(view, 0, length) + pseudoSum(flow.local, flow.remote, length));
    view.setUint16(CHECKSUM_OFFSET, checksum === 0 ? 0xffff : checksum);
    return this.context.ip.sendDatagram(flow, UDP, payload) !== "full";
  }

  #writeHeader(view: DataView, at: number, from: number, to: number, length: number): void {
    view.setUint16(at, from);
    view.setUint16(at + 2, to);
    view.setUint16(at + LENGTH_OFFSET, length);
    view.setUint16(at + CHECKSUM_OFFSET, 0);
  }

  room(): void {}

  ready(): void {}

  tell(): void {
    if (this.#busy.size === 0) return;
    const busy = this.#busy;
    this.#busy = new Set();
    const telling = new Telling();
    for (const socket of busy) {
      // What found the sink full waits for room, and is looked at again then.
      if (socket.waiting.length > 0) this.#busy.add(socket);
      else if (socket.closed) this.forget(socket);
      telling.call(socket.tell, socket);
    }
    telling.end();
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#ports.all) {
      socket.destroy();
      this.forget(socket);
    }
  }
}

/** RFC 768: zero is "not computed", which IPv6 does not allow (RFC 8200 §8.1). */
function isSound(packet: Inbound, length: number): boolean {
  const { view, start, family, checksumKnown } = packet;
  if (checksumKnown) return true;
  if (view.getUint16(start + CHECKSUM_OFFSET) === 0) return family === 4;
  return fold(sum(view, start, start + length) + packet.pseudoHeader(length)) === 0xffff;
}

/** How many datagrams from `from` on can leave as one superpacket: one destination, one size but for a shorter last one. */
function runOf(waiting: readonly OutgoingDatagram[], from: number, mtu: number): number {
  const first = waiting[from]!;
  const size = first.bytes.length;
  const headers = headerBytes(first.flow.remote) + HEADER_BYTES;
  if (size === 0 || headers + size > mtu) return 1;
  let total = headers + size;
  let count = 1;
  while (count < SEGMENTS_MAX && from + count < waiting.length) {
    const next = waiting[from + count]!;
    const length = next.bytes.length;
    total += length;
    if (length === 0 || length > size || total > SUPERPACKET_BYTES_MAX || !sameFlow(first, next)) break;
    count += 1;
    if (length < size) break;
  }
  return count;
}

function sameFlow(a: OutgoingDatagram, b: OutgoingDatagram): boolean {
  return (
    a.port === b.port &&
    a.flow.trafficClass === b.flow.trafficClass &&
    a.flow.hopLimit === b.flow.hopLimit &&
    a.flow.remote.equals(b.flow.remote) &&
    a.flow.local.equals(b.flow.local)
  );
}

function headerBytes({ family }: IpAddress): number {
  return family === 4 ? 20 : 40;
}

function pseudoSum(local: IpAddress, remote: IpAddress, length: number): number {
  let total = UDP + length;
  for (const { w0, w1, w2, w3 } of [local, remote]) {
    const words = remote.family === 4 ? [w3] : [w0, w1, w2, w3];
    for (const word of words) total += (word >>> 16) + (word & 0xffff);
  }
  return total;
}
