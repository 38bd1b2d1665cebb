/**
 * Datagrams on their way out. Datagrams of equal size for one peer form a train that leaves in a single system
 * call (UDP_SEGMENT); only the last of a train may be shorter. Train n has TX descriptor n and 64 KiB at
 * `txBuffers + n * 64 KiB`. The host sends all trains after each batch, so nothing waits for more to come.
 */
import {
  MESSAGE_BYTES_MAX,
  PATH_BYTES,
  PATH_FAMILY,
  PEER_PATH,
  PEER_PATH_VERSION,
  PEER_TX,
  TRAIN_BYTES_MAX_IPV4,
  TRAIN_BYTES_MAX_IPV6,
  TX_BYTES,
  TX_COUNT,
  TX_LENGTH,
  TX_OFFSET,
  TX_PATH,
  TX_PEER,
  TX_SEGMENT,
  TX_TOS,
} from "../abi";
import { TX_TRAINS } from "../constants";
import { Device } from "../memory/device";
import { txBuffers, txDescriptors } from "../memory/layout";
import { Sharing, Versioned } from "../memory/sharing";
import { Peer } from "../routing/peers";

/** TX_PEER of a message that belongs to no peer: a cookie reply. */
export const NOBODY: u32 = u32.MAX_VALUE;

/** The train that `reserve` or `open` chose last; of this instance, and only until `commit`. */
let chosen: u32 = 0;

export class Trains {
  @inline static descriptor(train: u32): usize {
    return txDescriptors + <usize>TX_BYTES * train;
  }

  /**
   * Room for one datagram to a peer: at the end of the last train if it fits there, else in a new one.
   * The place is taken by `commit`; until then it costs nothing.
   * @param length bytes at the most
   * @returns address of `length` free bytes, 0 when all trains are taken
   */
  static reserve(peer: u32, length: u32, tos: u32): usize {
    const self = Device.get();
    if (self.trains) {
      const last = Trains.descriptor(self.trains - 1);
      const used = load<u32>(last, TX_LENGTH);
      const segment = load<u32>(last, TX_SEGMENT);
      const count = load<u32>(last, TX_COUNT);
      const limit: u32 = load<u16>(last, TX_PATH + PATH_FAMILY) === 4 ? TRAIN_BYTES_MAX_IPV4 : TRAIN_BYTES_MAX_IPV6;
      const sameFlow = load<u32>(last, TX_PEER) === peer && load<u32>(last, TX_TOS) === tos;
      const ended = used !== segment * count || count >= self.trainLength;
      if (sameFlow && !ended && length <= segment && used + length <= limit) {
        chosen = self.trains - 1;
        return load<u32>(last, TX_OFFSET) + used;
      }
    }
    return Trains.open(peer, Peer.record(peer) + PEER_PATH, tos);
  }

  /** Choose a new train. @returns address of its buffer, 0 when all trains are taken */
  static open(peer: u32, path: usize, tos: u32): usize {
    const train = Device.get().trains;
    if (train === TX_TRAINS) return 0;
    const descriptor = Trains.descriptor(train);
    const buffer = txBuffers + <usize>MESSAGE_BYTES_MAX * train;
    store<u32>(descriptor, <u32>buffer, TX_OFFSET);
    store<u32>(descriptor, 0, TX_LENGTH);
    store<u32>(descriptor, tos, TX_TOS);
    store<u32>(descriptor, peer, TX_PEER);
    store<u32>(descriptor, 0, TX_COUNT);
    if (Sharing.on && path === Peer.record(peer) + PEER_PATH) {
      Versioned.read(Peer.record(peer) + PEER_PATH_VERSION, descriptor + TX_PATH, path, PATH_BYTES);
    } else {
      memory.copy(descriptor + TX_PATH, path, PATH_BYTES);
    }
    chosen = train;
    return buffer;
  }

  /** The datagram in the place given out last is complete. */
  static commit(length: u32): void {
    const descriptor = Trains.descriptor(chosen);
    const count = load<u32>(descriptor, TX_COUNT);
    if (count === 0) {
      store<u32>(descriptor, length, TX_SEGMENT);
      Device.get().trains = chosen + 1;
    }
    store<u32>(descriptor, load<u32>(descriptor, TX_LENGTH) + length, TX_LENGTH);
    store<u32>(descriptor, count + 1, TX_COUNT);
  }

  /** The host sent this train: count its bytes. */
  static account(train: u32): void {
    const descriptor = Trains.descriptor(train);
    const peer = load<u32>(descriptor, TX_PEER);
    if (peer === NOBODY) return;
    Sharing.count(Peer.record(peer) + PEER_TX, load<u32>(descriptor, TX_LENGTH));
  }
}
