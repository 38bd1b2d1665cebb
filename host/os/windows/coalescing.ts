/**
 * Trains that Windows makes of datagrams as they come in (URO), where a socket asks for them. Some machines make them and do not tell the size of
 * their datagrams: quinn and msquic met that on ARM with WSL, and with drivers of network cards. WireGuard's messages show it, for each has a length
 * of its own or a beginning that no ciphertext has by chance. From the first such train on, no more are asked for until sockets are bound anew;
 * others that wait by then are lost. Where Windows will not stop, they are looked for all the while. Who forges one costs us no more than that.
 */
import {
  COOKIE_REPLY_BYTES,
  INITIATION_BYTES,
  KEEPALIVE_BYTES,
  MESSAGE_TRANSPORT,
  RESPONSE_BYTES,
} from "../../core/codes.ts";
import type { Address, MemoryViews } from "../../core/core.ts";
import { SOCKET, UDP } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { BoundSockets, Log } from "../machine.ts";

/** The most that UDP carries, as msquic asks for. */
const TRAIN_BYTES_MAX = 65527;
/** Type and receiver of a message with ciphertext. */
const BEGINNING_BYTES = 8;
/** Of the messages of a handshake, by their type. */
const HANDSHAKE_BYTES = [0, INITIATION_BYTES, RESPONSE_BYTES, COOKIE_REPLY_BYTES] as const;

export interface CoalescingOptions {
  readonly win: Win32;
  readonly views: MemoryViews;
  readonly wanted: "wanted" | "unwanted";
  readonly log: Log;
}

export class Coalescing {
  readonly #options: CoalescingOptions;
  /** Linear memory: Node finds a byte in it much quicker so than in a Uint8Array. */
  readonly #bytes: Buffer;
  /** Windows took the option, and not that it is unset. */
  #mayCome = false;
  /** Windows made a train since whose size it did not tell. */
  #givenUp = false;

  constructor(options: CoalescingOptions) {
    this.#options = options;
    this.#bytes = Buffer.from(options.views.bytes.buffer);
  }

  /** For a socket that is new. Windows before 10, version 2004, and Wine do not know it. */
  ask(socket: number): void {
    if (this.#options.wanted !== "wanted" || !this.#set(socket, TRAIN_BYTES_MAX)) return;
    this.#mayCome = true;
    this.#givenUp = false;
  }

  /** @returns whether Windows took it */
  #set(socket: number, bytes: number): boolean {
    const { sockets, scratch } = this.#options.win;
    scratch.view.setUint32(0, bytes, true);
    const [level, option] = [SOCKET.IPPROTO_UDP, UDP.UDP_RECV_MAX_COALESCED_SIZE];
    return sockets.setsockopt(socket, level, option, scratch.at(0), 4) === 0;
  }

  /**
   * @param told what Windows said of the datagrams' size; 0 for nothing
   * @param sockets those in use
   * @returns the size of the datagrams of a message
   */
  segment(at: Address, length: number, told: number, sockets: BoundSockets): number {
    if (told !== 0 && told < length) return told;
    // The whole length is what a machine might tell that does not know: that, too, is looked at.
    if (!this.#mayCome) return length;
    const segment = this.#untoldSegment(at, length);
    if (segment < length && !this.#givenUp) this.#giveUp(sockets);
    return segment;
  }

  /** @returns the size of the first message of several, or `length` for one */
  #untoldSegment(at: Address, length: number): number {
    const { words } = this.#options.views;
    const type = words[at >> 2]!;
    if (type < MESSAGE_TRANSPORT) {
      const bytes = HANDSHAKE_BYTES[type] || length;
      return length % bytes === 0 ? bytes : length;
    }
    if (type > MESSAGE_TRANSPORT || length < 2 * KEEPALIVE_BYTES) return length;
    // The whole of it by one call: one for each byte that is like its first would take milliseconds where all are.
    const beginning = this.#bytes.subarray(at, at + BEGINNING_BYTES);
    const rest = this.#bytes.subarray(at + KEEPALIVE_BYTES, at + length - KEEPALIVE_BYTES + BEGINNING_BYTES);
    const found = rest.indexOf(beginning);
    return found < 0 ? length : KEEPALIVE_BYTES + found;
  }

  #giveUp({ v4, v6 }: BoundSockets): void {
    this.#givenUp = true;
    const refused = [v4, v6].filter((socket) => socket >= 0 && !this.#set(socket, 0));
    this.#mayCome = refused.length > 0;
    this.#options.log(
      "error",
      "what came in looks like datagrams that Windows made a train of (URO) without telling their size, or was forged so: no more trains are asked for until sockets are bound anew",
    );
  }
}
