/**
 * Paths on which the system refused a train (UDP_SEGMENT, UDP_SEND_MSG_SIZE) whose datagrams it took one by one: the path's MTU is
 * smaller than a datagram, its device computes no checksums, or IPsec takes it. All of them are one path's matter and may pass, so
 * datagrams to that peer go singly for a while, and then a train is tried again. Others are not affected.
 */

/** Until a train is tried again. One that is refused costs a copy of its bytes and one call. */
export const SINGLY_MS = 1_000;

export class RefusedTrains {
  /** Until when, by peer slot: so there are never more than peers. */
  readonly #until = new Map<number, number>();
  readonly #clock: () => number;

  /** @param clock milliseconds; read only while a path is noted */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** The system refused a train to this peer. */
  note(peer: number): void {
    this.#until.set(peer, this.#clock() + SINGLY_MS);
  }

  /** Whether datagrams to this peer should go singly for now. */
  includes(peer: number): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(peer);
    if (until === undefined) return false;
    if (this.#clock() < until) return true;
    this.#until.delete(peer);
    return false;
  }
}

/** For the log. @param error its name */
export function describeRefusal(error: string): string {
  return `a path took no train of datagrams (UDP segmentation offload: ${error}): they go singly there for a while`;
}
