/** What a network tells of itself, as plain objects, taken at one moment. */
import type { Device } from "../library/device.ts";
import type { DeviceStatistics } from "../library/device-statistics.ts";
import type { NetStack } from "../net/stack.ts";
import type { TcpState, TcpStatistics } from "../net/tcp/face.ts";

/** RFC-less, from the WireGuard paper §6.1: a session ends three minutes after its handshake. */
const SESSION_SECONDS = 180;

export interface ConnectionStatistics extends TcpStatistics {
  /** `address:port`, an IPv6 address in brackets. */
  readonly local: string;
  readonly remote: string;
}

export interface NetworkStatistics extends DeviceStatistics {
  readonly connections: readonly ConnectionStatistics[];
  /** What the stack counted: packets, bytes, and what was wrong with packets, by name. */
  readonly stack: Readonly<Record<string, number>>;
  /** Bytes that connections and sockets hold. */
  readonly memory: number;
}

/** For a health check. */
export interface NetworkStatus {
  /** Some peer has a session. */
  readonly ready: boolean;
  readonly peers: readonly {
    /** Base64, as `wg` shows it. */
    readonly publicKey: string;
    readonly endpoint: string | undefined;
    readonly session: boolean;
    readonly handshakeAgeSeconds: number | undefined;
    readonly rxBytes: bigint;
    readonly txBytes: bigint;
  }[];
  /** Connections that are not ended. */
  readonly connections: number;
}

const ENDED: ReadonlySet<TcpState> = new Set(["TIME-WAIT", "CLOSED"]);

function place(address: { toString(): string; readonly family: 4 | 6 }, port: number): string {
  return address.family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

export function networkStatistics(device: Device, stack: NetStack): NetworkStatistics {
  return {
    ...device.statistics(),
    connections: Array.from(stack.tcp.connections(), (stream) => ({
      ...stream.statistics(),
      local: place(stream.local, stream.localPort),
      remote: place(stream.remote, stream.remotePort),
    })),
    stack: stack.counters.all(),
    memory: stack.budget.taken,
  };
}

/** @param now milliseconds since the Unix epoch */
export function networkStatus(device: Device, stack: NetStack, now: number): NetworkStatus {
  const peers = device.statistics().peers.map(({ publicKey, endpoint, lastHandshake, rxBytes, txBytes }) => {
    const age =
      lastHandshake === undefined ? undefined : Math.max(0, Math.round((now - lastHandshake.getTime()) / 1000));
    const session = age !== undefined && age <= SESSION_SECONDS;
    return {
      publicKey: btoa(String.fromCharCode(...publicKey)),
      endpoint,
      session,
      handshakeAgeSeconds: age,
      rxBytes,
      txBytes,
    };
  });
  let connections = 0;
  for (const { state } of stack.tcp.connections()) if (!ENDED.has(state)) connections += 1;
  return { ready: peers.some(({ session }) => session), peers, connections };
}
