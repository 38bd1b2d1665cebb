/** The library: `import { Device } from "wasmguard"`. */
import { provideSystem } from "./io/event/system.ts";
import { nodeSystem } from "./io/event/system-node.ts";

provideSystem(nodeSystem);

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
export { DgramBind, type DgramBindOptions } from "./io/event/bind-dgram.ts";
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
export { DescriptorTun } from "./io/event/tun-descriptor.ts";
export { DuplexTun, type PacketStream } from "./io/event/tun-duplex.ts";
export { TunEnd, type TunPairOptions, tunPair } from "./io/event/tun-pair.ts";
