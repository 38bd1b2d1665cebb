/** Any Tun as the inside of a lane: it pushes its packets with `Lane.send`, and is handed copies of those that came. */
import { VNET_BYTES } from "../core/codes.ts";
import type { Address, Core } from "../core/core.ts";
import { copyWrite, gatherInto, writeLength } from "../core/records/write.ts";
import type { Inside } from "../lane/ports.ts";
import type { Outgoing } from "./outgoing.ts";
import { Slab } from "./slab.ts";

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
    for (let i = 0; i < count; i++) this.#outgoing.addPacket(this.#copy(this.#core.write(i)));
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
