/** The compiled packet sources, which take seconds to compile: once for all targets. They run one after the other. */
import { PacketCore } from "../support/packet-core.ts";

let core: Promise<PacketCore> | undefined;

export function loadPacketCore(): Promise<PacketCore> {
  core ??= PacketCore.load();
  return core;
}
