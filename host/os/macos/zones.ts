/** IPv6 zones: names and indices of network interfaces. */
import type { Zones } from "../../address/endpoint-text.ts";
import { UTUN } from "../../ffi/darwin/constants.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";

export function darwinZones(libc: DarwinLibc): Zones {
  const { bytes, at } = libc.scratch;
  return {
    indexOf(name) {
      if (!/^[^/\s]{1,15}$/.test(name)) return undefined;
      return libc.ifNametoindex(libc.text(name)) || undefined;
    },
    nameOf(index) {
      bytes.fill(0, 0, UTUN.IFNAMSIZ + 1);
      libc.ifIndextoname(index, at(0));
      return bytes[0] === 0 ? undefined : new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
    },
  };
}
