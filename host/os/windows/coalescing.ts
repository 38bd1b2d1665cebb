/**
 * Trains that Windows makes of datagrams as they come in (URO), where a socket asks for them. Some machines make them and do not tell the size of
 * their datagrams: quinn and msquic met that on ARM with WSL, and with drivers of network cards. WireGuard's messages show it, for each has a length
 * of its own or a beginning that no ciphertext has by chance. From the first such train on, nobody is asked for more. Who forges one costs us no
 * more than that.
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
  #isWanted: boolean;
  /** Windows took the option. */
  #mayCome = false;

  constructor(options: CoalescingOptions) {
    this.#options = options;
    this.#bytes = Buffer.from(options.views.bytes.buffer);
    this.#isWanted = options.wanted === "wanted";
  }

  /** For a socket that is new. Windows before 10, version 2004, and Wine do not know it. */
  ask(socket: number): void {
    if (this.#isWanted && this.#set(socket, TRAIN_BYTES_MAX)) this.#mayCome = true;
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
    if (!this.#mayCome) return length;
    const segment = this.#untoldSegment(at, length);
    if (segment < length && this.#isWanted) this.#giveUp(sockets);
    return segment;
  }

  /** @returns the size of the first message of several, or `length` for one */
  #untoldSegment(at: Address, length: number): number {
    const { words } = this.#options.views;
    const [type, receiver] = [words[at >> 2]!, words[(at >> 2) + 1]!];
    if (type < MESSAGE_TRANSPORT) return Math.min(HANDSHAKE_BYTES[type] || length, length);
    if (type > MESSAGE_TRANSPORT || length < 2 * KEEPALIVE_BYTES) return length;
    const bytes = this.#bytes;
    const end = at + length;
    // No search goes on behind it.
    bytes[end] = MESSAGE_TRANSPORT;
    for (let next = at + KEEPALIVE_BYTES; ; next++) {
      next = bytes.indexOf(MESSAGE_TRANSPORT, next);
      if (next + KEEPALIVE_BYTES > end) return length;
      if (bytes.readUInt32LE(next) === type && bytes.readUInt32LE(next + 4) === receiver) return next - at;
    }
  }

  #giveUp({ v4, v6 }: BoundSockets): void {
    this.#isWanted = false;
    for (const socket of [v4, v6]) if (socket >= 0) this.#set(socket, 0);
    this.#options.log(
      "error",
      "Windows made trains of datagrams (URO) and did not tell their size: it is to make no more",
    );
  }
}
