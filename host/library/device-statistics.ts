/** What a device tells about itself, as plain objects; taken at one moment, they do not change. */
import type { DropReason } from "../engine/drop-reason.ts";

export interface PeerStatistics {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** As `192.0.2.1:51820` or `[2001:db8::1]:51820`; undefined until it is known. */
  readonly endpoint: string | undefined;
  readonly allowedIps: readonly string[];
  /** Undefined before the first. */
  readonly lastHandshake: Date | undefined;
  /** Bytes of authenticated messages that came. */
  readonly rxBytes: bigint;
  /** Bytes of messages sent. */
  readonly txBytes: bigint;
  /** Seconds; 0 when off. */
  readonly persistentKeepalive: number;
}

/** Who carries datagrams: system calls by FFI, or a Bind. */
export type RunningDriver = "ffi" | "portable";

export interface DeviceStatistics {
  readonly driver: RunningDriver;
  /** In the order in which they were added. */
  readonly peers: readonly PeerStatistics[];
  /**
   * Packets dropped since the device was made, by reason; `tun`: the Tun had no room for them, on the way in or out; `bind`: their socket
   * had none when they came, where the system tells.
   */
  readonly drops: Readonly<Record<DropReason | "tun" | "bind", bigint>>;
}
