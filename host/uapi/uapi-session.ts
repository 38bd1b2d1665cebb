/**
 * One UAPI connection, over two areas of linear memory: requests are read into one, answers written from the
 * other. It does no I/O. Whoever does calls, in turn:
 *   output() and written() until nothing waits; then, unless `closed`, inputRoom(), read, received() or end().
 * No input is taken while output waits, so neither area can overflow; both are wiped as they are used up.
 * Requests follow one another on a connection; those of several connections may interleave between two calls.
 *
 *   operation ──set=1──▶ set ──blank line, EOF, error──▶ answer ─┐
 *       ▲  └────get=1──▶ get ──any byte────────────────▶ answer ─┤    statistics=1 goes the way of get=1
 *       └────────────────────────────────────────────────────────┘     stop=1 and other operations: closed unanswered
 */

import { ascii, equals, find, LF } from "../address/ascii.ts";
import { NUMERIC_ZONES, type Zones } from "../address/endpoint-text.ts";
import type { Address } from "../core/core.ts";
import { describeDevice, PIECE_BYTES_MAX, writeLines } from "./get.ts";
import { SetOperation } from "./set.ts";
import type { ConfigTarget, KeyCodec } from "./target.ts";
import { ERRNO, errnoOf, UapiValueError } from "./uapi-errors.ts";
import { type Area, type LinearMemory, OutputWriter } from "./writer.ts";

const SET = ascii("set=1");
const GET = ascii("get=1");
/** Ours: statistics as text. Programs that know nothing of it never ask, daemons that do not know it close. */
const STATISTICS = ascii("statistics=1");
/** Ours, where nothing else asks a daemon to end: who may configure it may do that. */
const STOP = ascii("stop=1");
/** The longest line that means anything is a key; more room saves system calls. */
const AREA_BYTES_MIN = 2 * PIECE_BYTES_MAX;

export interface UapiSessionOptions {
  readonly memory: LinearMemory;
  /** For this session alone, inside the region for secrets. At least 1 KiB; 64 KiB is a good size. */
  readonly input: Area;
  readonly output: Area;
  readonly target: ConfigTarget;
  readonly codec: KeyCodec;
  readonly zones?: Zones;
  /** Lines of the answer to `statistics`; without it the operation is unknown. */
  readonly statistics?: () => Iterable<string>;
  /** End the daemon; without it the operation is unknown. */
  readonly stop?: (() => void) | undefined;
  /** Told of faults: errors of the target that nobody foresaw. The client sees errno 55. */
  readonly onFault?: (error: unknown) => void;
}

export class UapiSession {
  readonly #options: UapiSessionOptions;
  readonly #zones: Zones;
  readonly #writer: OutputWriter;
  #state: "operation" | "get" | "statistics" | "set" = "operation";
  #set: SetOperation | undefined;
  /** The rest of a get answer that did not fit. */
  #answer: Generator<void, void> | undefined;
  /** [start, end) is read and not yet used; no LF before `scanned`. */
  #start: Address;
  #end: Address;
  #scanned: Address;
  #ended = false;
  #closed = false;

  constructor(options: UapiSessionOptions) {
    if (Math.min(options.input.length, options.output.length) < AREA_BYTES_MIN) {
      throw new RangeError(`a UAPI area needs ${AREA_BYTES_MIN} bytes`);
    }
    this.#options = options;
    this.#zones = options.zones ?? NUMERIC_ZONES;
    this.#writer = new OutputWriter(options.memory, options.output, options.codec);
    this.#start = this.#end = this.#scanned = options.input.address;
  }

  /** Close the connection once output() is empty. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Where to read into. Empty while output waits, and after the end. */
  inputRoom(): Area {
    if (this.#closed || this.#ended || !this.#writer.isEmpty()) return { address: this.#end, length: 0 };
    this.#compact();
    return { address: this.#end, length: this.#inputEnd() - this.#end };
  }

  /** `length` bytes were read into inputRoom(). */
  received(length: number): void {
    if (!(length >= 0 && length <= this.#inputEnd() - this.#end)) throw new RangeError("more read than there is room");
    this.#end += length;
    this.#run();
  }

  /** The client will send no more. It may still read. */
  end(): void {
    this.#ended = true;
    this.#run();
  }

  /** What waits to be written. */
  output(): Area {
    return this.#writer.waiting();
  }

  /** The first `length` bytes of output() were written. */
  written(length: number): void {
    this.#writer.consume(length);
    this.#run();
  }

  /** The connection is gone, or is to go: wipe both areas. A set that was under way stops where it is. */
  destroy(): void {
    this.#closed = true;
    this.#set = undefined;
    this.#answer = undefined;
    this.#writer.wipe();
    const { address, length } = this.#options.input;
    new Uint8Array(this.#options.memory.buffer, address, length).fill(0);
    this.#start = this.#end = this.#scanned = address;
  }

  #inputEnd(): Address {
    return this.#options.input.address + this.#options.input.length;
  }

  /** Use up input until an answer waits, or a line is incomplete. */
  #run(): void {
    // All of the memory, so that a view index is an address; made anew because memory may have grown.
    const bytes = new Uint8Array(this.#options.memory.buffer);
    const used = this.#start;
    try {
      while (!this.#closed && this.#writer.isEmpty() && this.#step(bytes));
    } finally {
      if (this.#closed) this.#start = this.#end;
      bytes.fill(0, used, this.#start);
    }
  }

  /** @returns false if there is nothing to do before more input comes */
  #step(bytes: Uint8Array): boolean {
    if (this.#answer !== undefined) return this.#continueGet();
    if (this.#state === "get" || this.#state === "statistics") return this.#stepGet(bytes);
    const end = this.#lineEnd(bytes);
    if (end < 0) {
      if (this.#ended) this.#stepAtEnd(bytes);
      else if (this.#end - this.#start === this.#options.input.length) this.#refuseLongLine();
      return false;
    }
    const start = this.#start;
    this.#start = this.#scanned = end + 1;
    if (this.#state === "set") this.#applyLine(bytes, start, end);
    else this.#startOperation(bytes, start, end);
    return true;
  }

  #lineEnd(bytes: Uint8Array): Address {
    const at = find(bytes, LF, this.#scanned, this.#end);
    if (at < 0) this.#scanned = this.#end;
    return at;
  }

  #startOperation(bytes: Uint8Array, start: Address, end: Address): void {
    if (equals(bytes, start, end, SET)) {
      this.#state = "set";
      this.#set = new SetOperation(this.#options.target, this.#options.codec, this.#zones);
    } else if (equals(bytes, start, end, GET)) {
      this.#state = "get";
    } else if (this.#options.statistics !== undefined && equals(bytes, start, end, STATISTICS)) {
      this.#state = "statistics";
    } else {
      if (equals(bytes, start, end, STOP)) this.#options.stop?.();
      this.#closed = true;
    }
  }

  /** One byte decides. Another than LF is used up as well, and what follows it is read as an operation. */
  #stepGet(bytes: Uint8Array): boolean {
    if (this.#start === this.#end) {
      this.#closed = this.#ended;
      return false;
    }
    const byte = bytes[this.#start];
    this.#scanned = ++this.#start;
    if (byte === LF) {
      this.#answer =
        this.#state === "get"
          ? describeDevice(this.#options.target, this.#writer, this.#zones)
          : writeLines(this.#options.statistics?.() ?? [], this.#writer);
      return true;
    }
    this.#finishGet(ERRNO.EINVAL);
    return true;
  }

  #continueGet(): boolean {
    try {
      if (this.#answer?.next().done) this.#finishGet(0);
    } catch (error) {
      this.#finishGet(this.#errnoOf(error));
    }
    return true;
  }

  #applyLine(bytes: Uint8Array, start: Address, end: Address): void {
    try {
      if (start < end) {
        this.#set?.line(bytes, start, end);
      } else {
        this.#set?.finish();
        this.#finishSet(0);
      }
    } catch (error) {
      this.#finishSet(this.#errnoOf(error));
    }
  }

  /** EOF: it ends a set as a blank line does, after a last line that may lack its LF. Otherwise nothing is owed. */
  #stepAtEnd(bytes: Uint8Array): void {
    const [start, end] = [this.#start, this.#end];
    this.#start = end;
    if (this.#state === "set" && start < end) this.#applyLine(bytes, start, end);
    if (this.#state === "set") this.#applyLine(bytes, end, end);
    this.#closed = true;
  }

  #refuseLongLine(): void {
    if (this.#state === "set") this.#finishSet(this.#errnoOf(new UapiValueError("line too long")));
    this.#closed = true;
  }

  #errnoOf(error: unknown): number {
    const errno = errnoOf(error);
    if (errno === undefined) this.#options.onFault?.(error);
    return errno ?? ERRNO.UNKNOWN;
  }

  /** `wg` wants the errno of a set negative … */
  #finishSet(errno: number): void {
    this.#set = undefined;
    this.#state = "operation";
    this.#writer.text(errno === 0 ? "errno=0\n\n" : `errno=-${errno}\n\n`);
  }

  /** … and that of a get positive. */
  #finishGet(errno: number): void {
    this.#answer = undefined;
    this.#state = "operation";
    this.#writer.text(`errno=${errno}\n\n`);
  }

  /** Move what is left to the front, and wipe where it was. */
  #compact(): void {
    const { address } = this.#options.input;
    if (this.#start === address) return;
    const bytes = new Uint8Array(this.#options.memory.buffer, address, this.#end - address);
    const moved = this.#start - address;
    bytes.copyWithin(0, moved);
    bytes.fill(0, bytes.length - moved);
    this.#start = address;
    this.#end -= moved;
    this.#scanned -= moved;
  }
}
