/**
 * Watches all that machines send and deliver, and throws as soon as one of these does not hold:
 *
 *   - under a session, counters go up by one from zero: no pair of key and counter is used twice
 *   - nothing is sent or accepted under a session of 180 s or more, in true time
 *   - more than the limit of messages under a session asks for a new one
 *   - initiations to one peer are 5 s apart
 *   - what is delivered was sent, byte for byte, by the machine it claims to come from, to the machine it comes
 *     out at; it comes out once, and only while a datagram of that machine, unaltered and new, is being received
 */
import * as abi from "../../assembly/abi.ts";
import { CROSSING_SPREAD, REJECT_AFTER_TIME, REKEY_TIMEOUT } from "../../host/engine/constants.ts";
import type { Peer } from "../../host/engine/peer.ts";
import type { Machine } from "./machine.ts";
import { type InnerPacket, packetNumber } from "./packet.ts";

/** A datagram as a machine sent it. Copies in the network share it; an altered one has none. */
export interface Original {
  readonly bytes: Uint8Array;
  readonly from: Machine;
  readonly incarnation: number;
  /** Machines that have received it. */
  readonly receivedBy: Set<number>;
}

interface Session {
  /** When it began, or may have begun at the latest; moved until first used. */
  birth: number;
  next: bigint;
}

/** One end of a session: whose engine, and the index that its messages carry. */
function sessionName(machine: Machine, index: number): string {
  return `${machine.index}.${machine.incarnation}:${index}`;
}

function word(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

export class Observer {
  time = 0;
  readonly #packets = new Map<number, InnerPacket>();
  readonly #delivered = new Set<number>();
  /** By what is sent: machine and receiver index. */
  readonly #sending = new Map<string, Session>();
  /** By what is received: machine and its own index. */
  readonly #receiving = new Map<string, Session>();
  readonly #lastInitiation = new Map<Peer, { at: number; epoch: number }>();
  readonly #lastHandshake = new Map<Peer, number>();
  readonly #txBytes = new Map<Peer, number>();
  /** How many packets of each machine may come out of the batch being received. */
  #expected = new Map<number, number>();
  /** Packets that came out in all. */
  deliveries = 0;
  datagrams = 0;
  handshakes = 0;
  onDelivery: (packet: InnerPacket) => void = () => {};

  /** A packet is about to be sent. */
  willSend(packet: InnerPacket): void {
    this.#packets.set(packet.number, packet);
  }

  // ── sending ────────────────────────────────────────────────────────────────────────────────────────────────

  sent(from: Machine, bytes: Uint8Array, peer: Peer | undefined): Original {
    this.datagrams += 1;
    const type = word(bytes, 0);
    if (peer !== undefined) this.#txBytes.set(peer, (this.#txBytes.get(peer) ?? 0) + bytes.length);
    if (type === abi.MESSAGE_INITIATION) this.#initiationSent(from, peer!);
    else if (type === abi.MESSAGE_RESPONSE) this.#responseSent(from, bytes, peer!);
    else if (type === abi.MESSAGE_TRANSPORT) this.#transportSent(from, bytes, peer!);
    return { bytes, from, incarnation: from.incarnation, receivedBy: new Set() };
  }

  #initiationSent(from: Machine, peer: Peer): void {
    const last = this.#lastInitiation.get(peer);
    if (last !== undefined && last.epoch === from.epoch && this.time - last.at < REKEY_TIMEOUT) {
      throw new Error(`machine ${from.index} sent initiations ${this.time - last.at} ms apart`);
    }
    this.#lastInitiation.set(peer, { at: this.time, epoch: from.epoch });
    this.#lastHandshake.set(peer, this.time);
  }

  #responseSent(from: Machine, bytes: Uint8Array, peer: Peer): void {
    this.handshakes += 1;
    this.#lastHandshake.set(peer, this.time);
    this.#sending.set(sessionName(from, word(bytes, 8)), { birth: this.time, next: 0n });
    this.#receiving.set(sessionName(from, word(bytes, 4)), { birth: this.time, next: 0n });
  }

  /** The initiator may take this response, now or when another copy comes. */
  #responseArrived(at: Machine, bytes: Uint8Array): void {
    const sending = sessionName(at, word(bytes, 4));
    const known = this.#sending.get(sending);
    if (known !== undefined && known.next > 0n) return;
    this.#sending.set(sending, { birth: this.time, next: 0n });
    this.#receiving.set(sessionName(at, word(bytes, 8)), { birth: this.time, next: 0n });
  }

  #transportSent(from: Machine, bytes: Uint8Array, peer: Peer): void {
    const session = this.#sending.get(sessionName(from, word(bytes, 4)));
    if (session === undefined) throw new Error(`machine ${from.index} sent under a session that nobody agreed on`);
    const counter = new DataView(bytes.buffer).getBigUint64(8, true);
    if (counter !== session.next) throw new Error(`counter ${counter} sent, ${session.next} is next`);
    session.next = counter + 1n;
    const age = this.time - session.birth;
    if (age >= REJECT_AFTER_TIME) throw new Error(`machine ${from.index} sent under a session of ${age} ms`);
    if (counter >= from.messageLimit) this.#overLimit.add(peer);
  }

  /** Peers to whom more messages than the limit went within the present call. */
  readonly #overLimit = new Set<Peer>();

  /** The engine has returned: what it owed is done. */
  settled(machine: Machine): void {
    for (const peer of this.#overLimit) {
      const last = this.#lastHandshake.get(peer) ?? Number.NEGATIVE_INFINITY;
      if (peer.alive && this.time - last > REKEY_TIMEOUT + CROSSING_SPREAD) {
        throw new Error(`machine ${machine.index} went over the limit of messages without a new handshake`);
      }
    }
    this.#overLimit.clear();
  }

  /** Bytes sent to a peer are what the engine says. */
  checkTxBytes(machine: Machine): void {
    for (const peer of machine.peers.values()) {
      const counted = BigInt(this.#txBytes.get(peer) ?? 0);
      if (peer.txBytes() !== counted) throw new Error(`tx bytes are ${peer.txBytes()}, ${counted} were sent`);
    }
  }

  // ── receiving ──────────────────────────────────────────────────────────────────────────────────────────────

  /** These unaltered datagrams are about to be received by `at`. */
  willReceive(at: Machine, originals: readonly Original[]): void {
    this.#expected = new Map();
    for (const original of originals) {
      const { bytes, from } = original;
      const type = word(bytes, 0);
      if (type === abi.MESSAGE_RESPONSE) this.#responseArrived(at, bytes);
      if (type !== abi.MESSAGE_TRANSPORT || original.receivedBy.has(at.index)) continue;
      original.receivedBy.add(at.index);
      const session = this.#receiving.get(sessionName(at, word(bytes, 4)));
      if (session === undefined || this.time - session.birth >= REJECT_AFTER_TIME) continue;
      this.#expected.set(from.index, (this.#expected.get(from.index) ?? 0) + 1);
    }
  }

  delivered(at: Machine, bytes: Uint8Array): void {
    const number = packetNumber(bytes);
    const packet = this.#packets.get(number);
    if (packet === undefined) throw new Error("a packet came out that nobody sent");
    if (!packet.bytes.every((byte, i) => byte === bytes[i]) || packet.bytes.length !== bytes.length) {
      throw new Error(`packet ${number} came out changed`);
    }
    if (packet.to !== at.index) throw new Error(`packet ${number} for ${packet.to} came out at ${at.index}`);
    if (this.#delivered.has(number)) throw new Error(`packet ${number} came out twice`);
    const expected = this.#expected.get(packet.from) ?? 0;
    if (expected === 0) throw new Error(`packet ${number} came out of a datagram that may not be accepted`);
    this.#expected.set(packet.from, expected - 1);
    this.#delivered.add(number);
    this.deliveries += 1;
    this.onDelivery(packet);
  }
}
