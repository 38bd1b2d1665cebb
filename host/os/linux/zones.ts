/**
 * IPv6 zones: names and indices of network interfaces, asked of a socket. It needs no file, so a confined daemon can ask
 * too, and it answers for the network namespace that the UDP sockets are in.
 */

import type { Zones } from "../../address/endpoint-text.ts";
import { SOCKET, TUN } from "../../ffi/constants.ts";
import { IFREQ } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";

/** One ioctl on a struct ifreq, whose fields are in the scratch buffer. @returns 0 or −errno */
function ask(libc: Libc, request: number): number {
  const fd = libc.socket(SOCKET.AF_INET, SOCKET.SOCK_DGRAM | SOCKET.SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const result = libc.ioctl(fd, request, libc.scratch.at(0));
  libc.close(fd);
  return result;
}

export function linuxZones(libc: Libc): Zones {
  const { bytes, view } = libc.scratch;
  return {
    indexOf(name) {
      if (!/^[^/\s]{1,15}$/.test(name)) return undefined;
      bytes.fill(0, 0, IFREQ.BYTES);
      libc.text(name, IFREQ.name);
      return ask(libc, TUN.SIOCGIFINDEX) < 0 ? undefined : view.getInt32(IFREQ.value, true);
    },
    nameOf(index) {
      bytes.fill(0, 0, IFREQ.BYTES);
      view.setUint32(IFREQ.value, index, true);
      if (ask(libc, TUN.SIOCGIFNAME) < 0) return undefined;
      return new TextDecoder().decode(bytes.slice(IFREQ.name, bytes.indexOf(0, IFREQ.name)));
    },
  };
}
