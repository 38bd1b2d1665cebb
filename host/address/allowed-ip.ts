/** What a peer may send from, and what is sent to it. */
export interface AllowedIp {
  readonly address: Uint8Array;
  readonly prefix: number;
}
