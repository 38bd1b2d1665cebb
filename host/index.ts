/** The library: `import { Device } from "wasmguard"`. */
export type { Endpoint } from "./core/core.ts";
export type { CoreLimits } from "./core/load.ts";
export type { DropReason } from "./device/drop-reason.ts";
export {
  EngineClosedError,
  LimitsError,
  PeerLimitError,
  PortInUseError,
  RouteLimitError,
  WasmguardError,
} from "./errors.ts";
export type { Bind, BindEvents } from "./io/event/bind.ts";
export { DgramBind, type DgramBindOptions } from "./io/event/bind-dgram.ts";
export { Device, type DeviceOptions } from "./io/event/device.ts";
export type { DeviceEvents } from "./io/event/device-events.ts";
export {
  AllowedIpError,
  BindError,
  EndpointError,
  KeyError,
  OptionError,
  OwnKeyError,
  PeerExistsError,
  PeerUnknownError,
  TunError,
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
export type { AddressAndPort, PeerChange, PeerConfig } from "./io/event/peer-config.ts";
export type { DeviceStatistics, PeerStatistics } from "./io/event/statistics.ts";
export type { Tun, TunEvents } from "./io/event/tun.ts";
export { DescriptorTun } from "./io/event/tun-descriptor.ts";
export { DuplexTun } from "./io/event/tun-duplex.ts";
export { TunEnd, type TunPairOptions, tunPair } from "./io/event/tun-pair.ts";
