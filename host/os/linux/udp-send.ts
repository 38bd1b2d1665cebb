/**
 * The sending half of UDP on Linux: send descriptors (TX_… of assembly/abi.ts) become sendmmsg calls,
 * one per address family when all goes well. A train is one message with UDP_SEGMENT; where the kernel or
 * the path has no use for trains, their datagrams are messages of their own, still many in one call.
 */
import { TRAIN_DATAGRAMS_MAX } from "../../core/codes.ts";
import { clearSource, hasSource, pathFamily } from "../../core/records/path.ts";
import { txAt, txLength, txOffset, txPath, txPeer, txSegment } from "../../core/records/tx.ts";
import {
  EADDRNOTAVAIL,
  EAGAIN,
  EHOSTUNREACH,
  EINTR,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENETUNREACH,
  ENODEV,
} from "../../ffi/errno.ts";
import { MMSGHDR } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { RefusedTrains } from "../refused-trains.ts";
import { MessageTable, messageTableBytes } from "./message-table.ts";
import { fillMessage } from "./send-message.ts";

/** Messages per call: two whole trains when they have to go singly. */
const TABLE_MESSAGES = 2 * TRAIN_DATAGRAMS_MAX;

/** Linear memory that a UdpSender needs. */
export const UDP_SEND_BYTES = messageTableBytes(TABLE_MESSAGES) + messageTableBytes(TRAIN_DATAGRAMS_MAX);

export interface UdpSenderOptions {
  /** Send trains with UDP_SEGMENT. */
  segmentation: boolean;
  /** Called once for each errno (positive) that the kernel refuses a train with. */
  onSegmentationRefused?: (errno: number) => void;
  /** Milliseconds. Default performance.now. */
  clock?: () => number;
}

export class UdpSender {
  /** Per descriptor of the last send(): 0, or the errno (positive) of a datagram that was not sent. */
  readonly errors: Int32Array;
  /** Per descriptor of the last send(): 1 when its cached source no longer works and was cleared in it. */
  readonly sourceCleared: Uint8Array;
  /** Whether trains go out as one message each, where the path takes them. */
  readonly segmentation: boolean;
  readonly #libc: Libc;
  readonly #table: MessageTable;
  /** For one refused train, while #table still holds what comes after it. */
  readonly #singles: MessageTable;
  /** Which descriptor each message of #table comes from. */
  readonly #owner = new Uint16Array(TABLE_MESSAGES);
  readonly #onRefused: (errno: number) => void;
  readonly #refused: RefusedTrains;
  readonly #told = new Set<number>();
  #descriptors = 0;
  #incidents = 0;

  /**
   * @param area     8-byte aligned offset of UDP_SEND_BYTES bytes that nobody else uses
   * @param messages most descriptors of one send()
   */
  constructor(libc: Libc, area: number, messages: number, options: UdpSenderOptions) {
    this.#libc = libc;
    this.#table = new MessageTable(libc, area, TABLE_MESSAGES);
    this.#singles = new MessageTable(libc, area + messageTableBytes(TABLE_MESSAGES), TRAIN_DATAGRAMS_MAX);
    this.errors = new Int32Array(messages);
    this.sourceCleared = new Uint8Array(messages);
    this.segmentation = options.segmentation;
    this.#onRefused = options.onSegmentationRefused ?? (() => {});
    this.#refused = new RefusedTrains(options.clock);
  }

  /**
   * Send those of descriptors 0…count−1 that are of this family. Never blocks, never throws.
   * @param fd the family's socket, or −1 when there is none (they fail with EADDRNOTAVAIL)
   * @returns how many entries were set in errors and sourceCleared: 0 when all went well
   */
  send(fd: number, family: 4 | 6, descriptors: number, count: number): number {
    const { views } = this.#table;
    this.#descriptors = descriptors;
    this.#incidents = 0;
    let filled = 0;
    for (let i = 0; i < count; i++) {
      const descriptor = txAt(descriptors, i);
      if (pathFamily(views, txPath(descriptor)) !== family) continue;
      this.errors[i] = 0;
      this.sourceCleared[i] = 0;
      if (fd < 0) {
        this.#fail(i, EADDRNOTAVAIL);
        continue;
      }
      const offset = txOffset(views, descriptor);
      const length = txLength(views, descriptor);
      const segment = txSegment(views, descriptor) || length;
      const step = segment < length && this.#goesSingly(descriptor) ? segment : length;
      for (let at = 0; at < length; at += step) {
        if (filled === TABLE_MESSAGES) {
          this.#flush(fd, family, filled);
          filled = 0;
        }
        this.#owner[filled] = i;
        fillMessage(this.#table, filled++, descriptor, family, offset + at, Math.min(step, length - at));
      }
    }
    if (filled > 0) this.#flush(fd, family, filled);
    return this.#incidents;
  }

  /** Hand messages 0…filled−1 to the kernel, and deal with each that it refuses. */
  #flush(fd: number, family: 4 | 6, filled: number): void {
    const { headers } = this.#table;
    let next = 0;
    while (next < filled) {
      const sent = this.#libc.sendmmsg(fd, headers + next * MMSGHDR.BYTES, filled - next, 0);
      if (sent > 0) {
        next += sent;
      } else if (sent === -EAGAIN) {
        // The socket's buffer is full: the rest would fare no better.
        for (; next < filled; next++) this.#fail(this.#owner[next]!, EAGAIN);
      } else if (sent !== -EINTR && !this.#recover(fd, family, next, filled, -sent)) {
        next++;
      }
    }
  }

  /** Message i was refused. @returns true when it was changed and should be tried again */
  #recover(fd: number, family: 4 | 6, i: number, filled: number, errno: number): boolean {
    const index = this.#owner[i]!;
    const descriptor = txAt(this.#descriptors, index);
    if (isSourceError(errno) && hasSource(this.#table.views, txPath(descriptor))) {
      clearSource(this.#table.views, txPath(descriptor));
      this.sourceCleared[index] = 1;
      this.#incidents++;
      // Several messages when the descriptor's train goes singly.
      for (let k = i; k < filled && this.#owner[k] === index; k++) {
        fillMessage(this.#table, k, descriptor, family, this.#table.offset(k), this.#table.size(k));
      }
      return true;
    }
    if (this.#isTrain(i) && isTrainError(errno)) {
      if (this.#sendSingly(fd, family, this.#descriptors, index) === 0) this.#noteRefusal(descriptor, errno);
    } else {
      this.#fail(index, errno);
    }
    return false;
  }

  /**
   * Send one train of at most TRAIN_DATAGRAMS_MAX datagrams as single ones.
   * @returns 0, or the errno (positive) of one that was not sent; also in errors[index]
   */
  #sendSingly(fd: number, family: 4 | 6, descriptors: number, index: number): number {
    const { views } = this.#singles;
    const descriptor = txAt(descriptors, index);
    const offset = txOffset(views, descriptor);
    const length = txLength(views, descriptor);
    const segment = txSegment(views, descriptor) || length;
    let filled = 0;
    for (let at = 0; at < length && filled < TRAIN_DATAGRAMS_MAX; at += segment) {
      fillMessage(this.#singles, filled++, descriptor, family, offset + at, Math.min(segment, length - at));
    }
    this.errors[index] = 0;
    for (let next = 0; next < filled; ) {
      const sent = this.#libc.sendmmsg(fd, this.#singles.headers + next * MMSGHDR.BYTES, filled - next, 0);
      if (sent > 0) {
        next += sent;
      } else if (sent !== -EINTR) {
        this.#fail(index, -sent);
        next = sent === -EAGAIN ? filled : next + 1;
      }
    }
    return this.errors[index]!;
  }

  #goesSingly(descriptor: number): boolean {
    return !this.segmentation || this.#refused.includes(txPeer(this.#table.views, descriptor));
  }

  #isTrain(i: number): boolean {
    const descriptor = txAt(this.#descriptors, this.#owner[i]!);
    return this.#table.size(i) > txSegment(this.#table.views, descriptor);
  }

  #fail(index: number, errno: number): void {
    this.errors[index] = errno;
    this.#incidents++;
  }

  /** The kernel refused a train whose datagrams it took one by one. */
  #noteRefusal(descriptor: number, errno: number): void {
    this.#refused.note(txPeer(this.#table.views, descriptor));
    if (this.#told.has(errno)) return;
    this.#told.add(errno);
    this.#onRefused(errno);
  }
}

/** What sendmsg says to a source address or interface that went away: ENETUNREACH to IPv4, EINVAL to IPv6. */
function isSourceError(errno: number): boolean {
  return (
    errno === EINVAL || errno === ENETUNREACH || errno === EADDRNOTAVAIL || errno === ENODEV || errno === EHOSTUNREACH
  );
}

/** A path whose MTU is too small says EMSGSIZE (EINVAL in older kernels); one without checksum offload or with IPsec EIO. */
function isTrainError(errno: number): boolean {
  return errno === EIO || errno === EINVAL || errno === EMSGSIZE;
}
