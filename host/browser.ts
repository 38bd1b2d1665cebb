/**
 * The library where there is nothing but the web's own interfaces: no UDP sockets, no files, no resolver. A Bind is the program's own
 * (WebSocket, WebTransport, a data channel), and no module of node: is imported.
 */
export type { Endpoint } from "./address/endpoint.ts";
export { ConfigError } from "./config/config-errors.ts";
export type { DropReason } from "./engine/drop-reason.ts";
export {
  EngineClosedError,
  LimitsError,
  PeerLimitError,
  PortInUseError,
  RouteLimitError,
  UnsupportedRuntimeError,
  WasmguardError,
} from "./errors.ts";
export type { Bind, BindEvents } from "./event/bind.ts";
export {
  AllowedIpError,
  BindError,
  EndpointError,
  InUseError,
  KeyError,
  LookupError,
  OptionError,
  OwnKeyError,
  PeerExistsError,
  PeerUnknownError,
  TunError,
  UnknownOptionError,
} from "./event/device-errors.ts";
export type { Lookup } from "./event/lookup.ts";
export type { TunOptions } from "./event/mtu.ts";
export type { Tun, TunEvents } from "./event/tun.ts";
export { DuplexTun, type PacketStream } from "./event/tun-duplex.ts";
export { TunEnd, type TunPairOptions, tunPair } from "./event/tun-pair.ts";
export { type Config, type ConfigSource, readConfig } from "./library/config.ts";
export { Device } from "./library/device.ts";
export type { DeviceEvents, HandshakeFailure } from "./library/device-events.ts";
export {
  decodeKey,
  encodeKey,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  type PublicKey,
  publicKeyOf,
} from "./library/device-keys.ts";
export type { ConfigOptions, DeviceLimits, DeviceOptions } from "./library/device-options.ts";
export type { DeviceStatistics, PeerStatistics } from "./library/device-statistics.ts";
export type { AddressAndPort, PeerChange, PeerConfig } from "./library/peer-config.ts";
