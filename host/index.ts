/** The library: `import { Device } from "wasmguard"`. */
import { provideSystem } from "./event/system.ts";
import { nodeSystem } from "./event/system-node.ts";

provideSystem(nodeSystem);

export * from "./browser.ts";
export { DgramBind, type DgramBindOptions } from "./event/bind-dgram.ts";
export { DescriptorTun } from "./event/tun-descriptor.ts";
export { Network } from "./network/network.ts";
export { DispatcherUnsupportedError, NotReadyError } from "./network/network-errors.ts";
export type { NetworkConfigOptions, NetworkOptions, PacketTap, Prefer } from "./network/network-options.ts";
export type { ConnectionStatistics, NetworkStatistics, NetworkStatus } from "./network/network-status.ts";
export type { PingReply } from "./network/ping.ts";
export type { Conn } from "./sockets/conn.ts";
export type { RemoteInfo, TunnelDatagramSocket } from "./sockets/datagram.ts";
export type { TunnelServer } from "./sockets/server.ts";
export type { ConnectOptions, SocketOptions, TunnelSocket } from "./sockets/socket.ts";
export type { SocketError } from "./sockets/socket-errors.ts";
