/**
 * Where packets of the stack go: the inside of a tunnel, a link of a test, a TUN device with vnet headers.
 * A packet is written in place, once: `reserve` names room in `bytes`, the stack writes vnet header and packet there, and `commit`
 * sends it off. Nothing else happens between the two calls. `commit` must not call back into the stack.
 */
import type { IpAddress } from "./address.ts";

export interface PacketSink {
  /** Read anew after each `reserve`: the sink may hand out another array each time. */
  readonly bytes: Uint8Array;
  readonly view: DataView;

  /**
   * Room for one packet.
   * @param length vnet header and packet, at most VNET_BYTES + PACKET_BYTES_MAX
   * @returns where in `bytes`, or -1: full. The sink then has `NetStack.room` called once there is room again.
   */
  reserve(length: number): number;

  /** The packet is there: `length` bytes, no more than were reserved. */
  commit(at: number, length: number): void;

  /**
   * Whether a packet to this destination would leave at once. False when a handshake has to come first, which this call begins;
   * `NetStack.ready` is called once it is done. Only connection requests ask; without this method they never wait.
   */
  ready?(destination: IpAddress): boolean;
}
