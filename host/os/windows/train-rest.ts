/**
 * What is left of a train that came in with more datagrams than a record may have, which is more than a batch of the core's has room for: it is
 * handed over piece by piece. Its bytes stay where they were received, so nothing else may be received there before it is gone.
 */
import { TRAIN_DATAGRAMS_MAX } from "../../core/codes.ts";
import type { Address, Core } from "../../core/core.ts";
import { PATH_BYTES } from "../../core/records/path.ts";
import { fillRx, rxAt, rxLength, rxOffset, rxPath, rxSegment, rxTos, setRxLength } from "../../core/records/rx.ts";
import type { Areas } from "./areas.ts";

export class TrainRest {
  readonly #views: Core["views"];
  readonly #path: Address;
  #offset: Address = 0;
  #length = 0;
  #segment = 0;
  #tos = 0;

  constructor(core: Core, areas: Areas) {
    this.#views = core.views;
    this.#path = areas.take(PATH_BYTES);
  }

  /** Leave a record as many datagrams as it may have, and keep the others. */
  cut(record: Address): void {
    const views = this.#views;
    const segment = rxSegment(views, record);
    const most = TRAIN_DATAGRAMS_MAX * segment;
    const length = rxLength(views, record);
    if (length <= most) return;
    setRxLength(views, record, most);
    this.#offset = rxOffset(views, record) + most;
    this.#length = length - most;
    this.#segment = segment;
    this.#tos = rxTos(views, record);
    this.#copyPath(this.#path, rxPath(record));
  }

  /** Fill records with what is left. @param filled of them are by others @param most of all @returns how many are filled now */
  fill(records: Address, filled: number, most: number): number {
    let count = filled;
    for (; count < most && this.#length > 0; count++) {
      const record = rxAt(records, count);
      fillRx(this.#views, record, this.#offset, this.#length, this.#segment, this.#tos);
      this.#copyPath(rxPath(record), this.#path);
      this.#length = 0;
      this.cut(record);
    }
    return count;
  }

  #copyPath(to: Address, from: Address): void {
    this.#views.words.copyWithin(to >> 2, from >> 2, (from + PATH_BYTES) >> 2);
  }
}
