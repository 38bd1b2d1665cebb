/**
 * What a configuration file says, checked but not yet resolved or applied. Keys are bytes; `wipeSettings` clears them.
 */
export interface PeerSettings {
  publicKey: Uint8Array;
  presharedKey?: Uint8Array;
  /** `host:port` as written, the host a name or an address. */
  endpoint?: { host: string; port: number; line: number };
  /** Seconds, 0 is off; absent when the file does not say. */
  persistentKeepalive?: number;
  /** `address/bits` with the C library's spelling of the address; host bits as written. */
  allowedIps: string[];
}

/** The part that goes to the tunnel (`wg setconf`). */
export interface TunnelSettings {
  privateKey?: Uint8Array;
  /** 0: any. */
  listenPort: number;
  /** 0: none. */
  firewallMark: number;
  peers: PeerSettings[];
}

/** In the order in which a saved file lists them. */
export const HOOKS = ["PreUp", "PostUp", "PreDown", "PostDown"] as const;
export type Hook = (typeof HOOKS)[number];

/** The part that `up` and `down` apply to the system. */
export interface SystemSettings {
  /** Each with its mask, or without one as written. */
  addresses: string[];
  dnsServers: string[];
  dnsSearch: string[];
  /** As written; absent means: from the routes to the endpoints. */
  mtu?: string;
  /** "auto", "off", or a table's number or name. */
  table: string;
  /** Raw text (raw-text.ts), as are search domains. */
  hooks: Record<Hook, string[]>;
  saveConfig: boolean;
}

export interface Settings {
  tunnel: TunnelSettings;
  system: SystemSettings;
  /** The file has no section at all. */
  isEmpty: boolean;
}

export function emptySettings(): Settings {
  return {
    isEmpty: true,
    tunnel: { listenPort: 0, firewallMark: 0, peers: [] },
    system: {
      addresses: [],
      dnsServers: [],
      dnsSearch: [],
      table: "auto",
      hooks: { PreUp: [], PostUp: [], PreDown: [], PostDown: [] },
      saveConfig: false,
    },
  };
}

export function wipeSettings({ tunnel }: Settings): void {
  wipeTunnel(tunnel);
}

export function wipeTunnel(tunnel: TunnelSettings): void {
  tunnel.privateKey?.fill(0);
  for (const peer of tunnel.peers) peer.presharedKey?.fill(0);
}
