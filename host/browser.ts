/**
 * The library where there is nothing but the web's own interfaces: no UDP sockets, no files, no resolver. A Bind is the program's own
 * (WebSocket, WebTransport, a data channel), and no module of node: is imported.
 */
export type { Endpoint } from "./address/endpoint.ts";
export { ConfigError } from "./config/errors.ts";
export type { DropReason } from "./device/drop-reason.ts";
export {
  EngineClosedError,
  LimitsError,
  PeerLimitError,
  PortInUseError,
  RouteLimitError,
  UnsupportedRuntimeError,
  WasmguardError,
} from "./errors.ts";
export type { Bind, BindEvents } from "./io/event/bind.ts";
export { type Config, type ConfigSource, readConfig } from "./io/event/config.ts";
export { Device } from "./io/event/device.ts";
export type { DeviceEvents, HandshakeFailure } from "./io/event/device-events.ts";
export type { ConfigOptions, DeviceLimits, DeviceOptions } from "./io/event/device-options.ts";
export {
  AllowedIpError,
  BindError,
  EndpointError,
  KeyError,
  LookupError,
  OptionError,
  OwnKeyError,
  PeerExistsError,
  PeerUnknownError,
  TunError,
  UnknownOptionError,
} from "./io/event/errors.ts";
export {
  decodeKey,
  encodeKey,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  type PublicKey,
  publicKeyOf,
} from "./io/event/keys.ts";
export type { Lookup } from "./io/event/lookup.ts";
export type { TunOptions } from "./io/event/mtu.ts";
export type { AddressAndPort, PeerChange, PeerConfig } from "./io/event/peer-config.ts";
export type { DeviceStatistics, PeerStatistics } from "./io/event/statistics.ts";
export type { Tun, TunEvents } from "./io/event/tun.ts";
export { DuplexTun, type PacketStream } from "./io/event/tun-duplex.ts";
export { TunEnd, type TunPairOptions, tunPair } from "./io/event/tun-pair.ts";
