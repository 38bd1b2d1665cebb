/**
 * Networks through a tunnel: `import { Network } from "wasmguard/network"`. An entry of its own, since its declarations are those of
 * Node's sockets: a TypeScript project that uses it has @types/node.
 */
import { provideSystem } from "../event/system.ts";
import { nodeSystem } from "../event/system-node.ts";

provideSystem(nodeSystem);

export type { Conn } from "../sockets/conn.ts";
export type { RemoteInfo, TunnelDatagramSocket } from "../sockets/datagram.ts";
export type { TunnelServer } from "../sockets/server.ts";
export type { ConnectOptions, SocketOptions, TunnelSocket } from "../sockets/socket.ts";
export type { SocketError } from "../sockets/socket-errors.ts";
export { Network } from "./network.ts";
export { DispatcherUnsupportedError, NotReadyError } from "./network-errors.ts";
export type { NetworkConfigOptions, NetworkOptions, PacketTap, Prefer } from "./network-options.ts";
export type { ConnectionStatistics, NetworkStatistics, NetworkStatus } from "./network-status.ts";
export type { PingReply } from "./ping.ts";
