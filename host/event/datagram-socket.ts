/** What DgramBind asks of one UDP socket, of one address family and bound. Each runtime has another that is fast. */

export interface SocketEvents {
  /** @param datagram has been read when it returns  @param address with its zone */
  received(datagram: Uint8Array, address: string, port: number): void;
  /** A datagram that `send` had taken was refused after all. */
  lost(cause: unknown): void;
  /** It stopped working. */
  failed(cause: unknown): void;
  /** Little room is left for datagrams. */
  full(): void;
  /** There is room again; perhaps there was all the time. */
  drained(): void;
}

export interface SocketOptions {
  readonly family: 4 | 6;
  /** Local address, and port; 0 for a free one. */
  readonly address: string;
  readonly port: number;
  /** Bytes of the longest datagram that is to be expected; longer ones may come. */
  readonly longest: number;
  readonly events: SocketEvents;
}

export interface DatagramSocket {
  readonly port: number;
  /**
   * The array is the socket's own from now on.
   * @param address numeric, with a zone where it has one
   * @returns false if it had to be dropped
   */
  send(datagram: Uint8Array, port: number, address: string): boolean;
  /**
   * Send datagrams of `segment` bytes one behind the other, only the last may be shorter. The bytes have been read when it returns.
   * Those that do not go are told as lost.
   */
  sendTrain?(train: Uint8Array, segment: number, port: number, address: string): void;
  /** Whether it keeps the process alive, as it does at first. */
  ref(): void;
  unref(): void;
  /** No event comes after this. Never throws. @returns when the port is free */
  close(): Promise<void>;
}
