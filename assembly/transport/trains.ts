/**
 * Datagrams on their way out. Datagrams of equal size for one peer form a train that leaves in a single system
 * call (UDP_SEGMENT); only the last of a train may be shorter. Train n has TX descriptor n and 64 KiB at
 * `txBuffers + n * 64 KiB`. The host sends all trains after each batch, so nothing waits for more to come.
 */
import { MESSAGE_BYTES_MAX, PATH_BYTES, TRAIN_BYTES_MAX_IPV4, TRAIN_BYTES_MAX_IPV6, TX_TRAINS } from "../abi";
import { txBuffers } from "../memory/layout";
import { Seqlock, Sharing } from "../memory/sharing";
import { ThreadState } from "../memory/thread-state";
import { TxRecord } from "../records/tx";
import { Peers } from "../routing/peers";

/** TX_PEER of a message that belongs to no peer: a cookie reply. */
export const NOBODY: u32 = u32.MAX_VALUE;

/** The train that `reserve` or `open` chose last; of this instance, and only until `commit`. */
let chosen: u32 = 0;

export class Trains {
  /**
   * Room for one datagram to a peer: at the end of the last train if it fits there, else in a new one.
   * The place is taken by `commit`; until then it costs nothing.
   * @param length bytes at the most
   * @returns address of `length` free bytes, 0 when all trains are taken
   */
  static reserve(peer: u32, length: u32, tos: u32): usize {
    const self = ThreadState.get();
    if (self.trains) {
      const last = TxRecord.of(self.trains - 1);
      const used = last.length;
      const segment = last.segment;
      const count = last.count;
      const limit: u32 = last.path.family === 4 ? TRAIN_BYTES_MAX_IPV4 : TRAIN_BYTES_MAX_IPV6;
      const sameFlow = last.peer === peer && last.tos === tos;
      const ended = used !== segment * count || count >= self.trainLength;
      if (sameFlow && !ended && length <= segment && used + length <= limit) {
        chosen = self.trains - 1;
        return last.offset + used;
      }
    }
    return Trains.open(peer, Peers.record(peer).path.bytes, tos);
  }

  /** Choose a new train. @returns address of its buffer, 0 when all trains are taken */
  static open(peer: u32, path: usize, tos: u32): usize {
    const train = ThreadState.get().trains;
    if (train === TX_TRAINS) return 0;
    const descriptor = TxRecord.of(train);
    const buffer = txBuffers + <usize>MESSAGE_BYTES_MAX * train;
    descriptor.offset = <u32>buffer;
    descriptor.length = 0;
    descriptor.tos = tos;
    descriptor.peer = peer;
    descriptor.count = 0;
    if (Sharing.on && path === Peers.record(peer).path.bytes) {
      Seqlock.read(Peers.record(peer).pathVersionAt, descriptor.path.bytes, path, PATH_BYTES);
    } else {
      memory.copy(descriptor.path.bytes, path, PATH_BYTES);
    }
    chosen = train;
    return buffer;
  }

  /** The datagram in the place given out last is complete. */
  static commit(length: u32): void {
    const descriptor = TxRecord.of(chosen);
    const count = descriptor.count;
    if (count === 0) {
      descriptor.segment = length;
      ThreadState.get().trains = chosen + 1;
    }
    descriptor.length = descriptor.length + length;
    descriptor.count = count + 1;
  }

  /** The host sent this train: count its bytes. */
  static account(train: u32): void {
    const descriptor = TxRecord.of(train);
    const peer = descriptor.peer;
    if (peer === NOBODY) return;
    Sharing.count(Peers.record(peer).txAt, descriptor.length);
  }
}
