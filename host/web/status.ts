/** What the page shows, as it is sent to it: numbers and public names only. */

export interface PeerStatus {
  /** The public key, base64. */
  readonly publicKey: string;
  readonly endpoint: string | null;
  /** Null before the first handshake. */
  readonly handshakeAgeSeconds: number | null;
  /** Bytes since the tunnel was made. */
  readonly received: number;
  readonly sent: number;
}

export interface TunnelStatus {
  /** The interface, or the configuration's file. */
  readonly name: string;
  readonly version: string;
  readonly peers: readonly PeerStatus[];
  /** Packets dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Connections through a proxy, open and since its start; null where there is no proxy. */
  readonly connections: { readonly open: number; readonly accepted: number; readonly refused: number } | null;
}
