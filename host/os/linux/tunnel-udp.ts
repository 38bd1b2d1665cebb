/** The tunnel's sockets as Linux has them: the UDP of one device, and what becomes of it in the tunnel's life. */
import { errnoName } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import { kernelAtLeast } from "../../platform.ts";
import { describeRefusal } from "../refused-trains.ts";
import { TunnelSockets, type TunnelSocketsOptions } from "../tunnel-sockets.ts";
import { LinuxUdp, type UdpArea, type UdpOptions, type UdpSockets } from "./udp.ts";

export interface TunnelUdpOptions extends Omit<TunnelSocketsOptions<UdpSockets>, "udp" | "marksWanted"> {
  readonly libc: Libc;
  readonly area: UdpArea;
  readonly udp?: UdpOptions;
}

export class TunnelUdp extends TunnelSockets<UdpSockets> {
  readonly udp: LinuxUdp;

  constructor(options: TunnelUdpOptions) {
    const udp = new LinuxUdp(options.libc, options.area, {
      ...options.udp,
      onSegmentationRefused: (errno) => options.log("error", describeRefusal(errnoName(errno))),
    });
    super({ ...options, udp, marksWanted });
    this.udp = udp;
  }
}

function marksWanted(): string {
  const who = kernelAtLeast(5, 17)
    ? "CAP_NET_RAW"
    : "CAP_NET_ADMIN, which the daemon gives up: start it with --no-confine";
  return `the kernel lets only processes with ${who} mark packets`;
}
