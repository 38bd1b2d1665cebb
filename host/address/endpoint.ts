/** Where a datagram comes from or goes to. `address` is 4 or 16 bytes in network order. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
  /** IPv6 zone as interface index; 0 when there is none. */
  readonly scope: number;
}
