/** Any Tun as the inside of a lane: it pushes its packets with `Lane.send`, and is handed copies of those that came. */
import { VNET_BYTES } from "../core/codes.ts";
import type { Address, Core } from "../core/core.ts";
import { copyWrite, gatherInto, writeLength, writeOffset } from "../core/records/write.ts";
import type { Inside } from "../lane/ports.ts";
import type { Outgoing } from "./outgoing.ts";
import { Slab } from "./slab.ts";

/** Between two packets of a train are padding, a tag and a header. Where there is more, something else was. */
const GAP_BYTES_MAX = 15 + 16 + 16;
/** Fewer fill no buffer of their own. */
const RUN_PACKETS_MIN = 4;
const RUN_PACKETS_MAX = 64;
/** Typed arrays may begin where a packet does, but for those of 64 bits: full packets of an MTU are four bytes past a multiple of eight. */
const RUN_ALIGNMENT = 4;

export class PacketInside implements Inside {
  readonly #core: Core;
  readonly #outgoing: Outgoing;
  readonly #kind: "packets" | "superpackets";
  /** Bytes in front of what the engine injects that the Tun does not want. */
  readonly #skipped: number;
  /** Undefined: each packet is a buffer of its own. */
  readonly #slab: Slab | undefined;

  /**
   * @param kind    whether the Tun takes packets with vnet headers, as `setTun` was told
   * @param buffers whether packets may share them
   */
  constructor(core: Core, outgoing: Outgoing, kind: "packets" | "superpackets", buffers: "own" | "shared") {
    this.#core = core;
    this.#outgoing = outgoing;
    this.#slab = buffers === "shared" ? new Slab() : undefined;
    this.#kind = kind;
    this.#skipped = kind === "superpackets" ? 0 : VNET_BYTES;
  }

  read(): number {
    return 0;
  }

  write(count: number): void {
    for (let i = 0; i < count; ) {
      const length = this.#runLength(i, count);
      if (length < RUN_PACKETS_MIN) this.#outgoing.addPacket(this.#copy(this.#core.write(i++)));
      else i = this.#copyRun(i, i + length);
    }
  }

  /** How many packets, from `first` on, lie one behind the other with nothing else between them. */
  #runLength(first: number, end: number): number {
    if (this.#slab === undefined || this.#kind === "superpackets") return 1;
    const { views } = this.#core;
    const start = writeOffset(views, this.#core.write(first));
    if (start < 0) return 1;
    let past = start + writeLength(views, this.#core.write(first));
    let next = first + 1;
    for (const last = Math.min(end, first + RUN_PACKETS_MAX); next < last; next++) {
      const at = writeOffset(views, this.#core.write(next));
      if (at < past || at > past + GAP_BYTES_MAX || (at - start) % RUN_ALIGNMENT !== 0) break;
      past = at + writeLength(views, this.#core.write(next));
    }
    return next - first;
  }

  /** One copy for all of a run, whose packets are views of it: to make many small copies takes longer than to fill them. @returns `end` */
  #copyRun(first: number, end: number): number {
    const { views, bytes } = this.#core;
    const start = writeOffset(views, this.#core.write(first));
    const last = this.#core.write(end - 1);
    const { buffer } = new Uint8Array(bytes.subarray(start, writeOffset(views, last) + writeLength(views, last)));
    for (let i = first; i < end; i++) {
      const record = this.#core.write(i);
      const at = writeOffset(views, record) - start;
      this.#outgoing.addPacket(new Uint8Array(buffer, at, writeLength(views, record)));
    }
    return end;
  }

  #copy(record: Address): Uint8Array<ArrayBuffer> {
    const { views } = this.#core;
    // Who merges packets may keep small ones for long, and counts what it keeps: they must not hold what lies around them.
    if (this.#kind === "superpackets" || this.#slab === undefined) return copyWrite(views, record);
    const packet = this.#slab.take(writeLength(views, record));
    gatherInto(packet, views, record);
    return packet;
  }

  inject(at: Address, length: number): void {
    this.#outgoing.addPacket(this.#core.bytes.slice(at + this.#skipped, at + length));
  }
}
