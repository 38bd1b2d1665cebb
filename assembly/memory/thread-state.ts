/**
 * What the host may set at any time, and how much work waits. One record for each thread, in the region `device`.
 */
import { DROP_COUNT, QUEUED_BYTES } from "../abi";
import { HANDSHAKE_QUEUE, REKEY_AFTER_MESSAGES, REKEY_AFTER_TIME } from "../constants";
import { device, drops, firstDevice, handshakeQueue } from "./layout";

@unmanaged
export class ThreadState {
  /** Machine address of linear memory, 0 where the host has no use for one. */
  base: u64;
  rekeyAfterTime: f64;
  rekeyAfterMessages: u64;
  /** Inner MTU; padding never goes over it. 0 when unknown. */
  mtu: u32;
  /** UDP port that datagrams leave from; 0 while there is none. */
  port: u32;
  /** Trains of datagrams waiting to be sent. */
  trains: u32;
  /** Datagrams a train may have; 1 without segmentation offload. */
  trainLength: u32;
  /** TUN reads and writes carry a vnet header. */
  vnet: u32;
  /** May TCP and UDP packets be merged for the TUN device? */
  mergeTcp: u32;
  mergeUdp: u32;
  /** Peers with events since the host last looked. */
  touched: u32;
  /** Handshake messages waiting: first, and how many. */
  queueFirst: u32;
  queueLength: u32;
  /** Bytes of messages that other threads might have helped with, had they been there. */
  unshared: u32;

  @inline static get(): ThreadState {
    return changetype<ThreadState>(device);
  }

  /** Set what a new device starts with, also if there was one before. Called by the first instance only. */
  static reset(): void {
    const self = ThreadState.get();
    memory.fill(device, 0, offsetof<ThreadState>());
    memory.fill(drops, 0, 8 * <usize>DROP_COUNT);
    self.rekeyAfterTime = REKEY_AFTER_TIME;
    self.rekeyAfterMessages = REKEY_AFTER_MESSAGES;
    self.trainLength = 1;
  }

  /** Take over the settings of thread 0's record: all but what counts this thread's own work. */
  static adopt(): void {
    const self = ThreadState.get();
    const first = changetype<ThreadState>(firstDevice);
    self.base = first.base;
    self.rekeyAfterTime = first.rekeyAfterTime;
    self.rekeyAfterMessages = first.rekeyAfterMessages;
    self.mtu = first.mtu;
    self.port = first.port;
    self.trainLength = first.trainLength;
    self.vnet = first.vnet;
    self.mergeTcp = first.mergeTcp;
    self.mergeUdp = first.mergeUdp;
  }

  /** The next free place in the queue of handshake messages; 0 when it is full. */
  @inline enqueue(): usize {
    if (this.queueLength === HANDSHAKE_QUEUE) return 0;
    const place = (this.queueFirst + this.queueLength) % HANDSHAKE_QUEUE;
    this.queueLength += 1;
    return handshakeQueue + <usize>QUEUED_BYTES * place;
  }

  @inline get firstQueued(): usize {
    return handshakeQueue + <usize>QUEUED_BYTES * this.queueFirst;
  }

  /** The one behind `before` others; 0 where there is none. */
  @inline queued(before: u32): usize {
    if (this.queueLength <= before) return 0;
    return handshakeQueue + <usize>QUEUED_BYTES * ((this.queueFirst + before) % HANDSHAKE_QUEUE);
  }

  @inline dropQueued(): void {
    this.queueFirst = (this.queueFirst + 1) % HANDSHAKE_QUEUE;
    this.queueLength -= 1;
  }
}
