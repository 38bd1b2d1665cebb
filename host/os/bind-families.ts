/** A UDP socket of either family on one port, either of which a machine may lack. */
import { PortInUseError, SystemError } from "../errors.ts";
import { EADDRINUSE, EAFNOSUPPORT } from "../ffi/errno.ts";
import type { BoundSockets } from "./machine.ts";

/** How often to look for a port that is free in both families. */
const PORT_ATTEMPTS = 100;

export interface FamilyCalls {
  /** @returns a bound socket, or −1 when this machine does not have the family  @throws SystemError */
  open(family: 4 | 6, port: number): number;
  /** Which port a socket is bound to. */
  portOf(fd: number): number;
  close(fd: number): void;
}

/**
 * @param port  0 for one that is free in both families
 * @param ready the last step with them; what it throws closes them
 * @throws PortInUseError, SystemError
 */
export function bindFamilies(
  port: number,
  calls: FamilyCalls,
  ready: (sockets: BoundSockets) => void = () => {},
): BoundSockets {
  for (let attempt = 1; ; attempt++) {
    let v4 = -1;
    let v6 = -1;
    try {
      v4 = calls.open(4, port);
      let bound = v4 < 0 ? port : calls.portOf(v4);
      v6 = calls.open(6, bound);
      if (v6 >= 0) bound = calls.portOf(v6);
      if (v4 < 0 && v6 < 0) throw new SystemError("socket", EAFNOSUPPORT, "for UDP");
      const sockets = { v4, v6, port: bound };
      ready(sockets);
      return sockets;
    } catch (error) {
      for (const fd of [v4, v6]) if (fd >= 0) calls.close(fd);
      const taken = error instanceof SystemError && error.errno === EADDRINUSE;
      if (!taken) throw error;
      if (port !== 0 || attempt === PORT_ATTEMPTS) throw new PortInUseError(port, error);
    }
  }
}
