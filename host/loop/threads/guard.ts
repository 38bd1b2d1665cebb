/**
 * Thread 0's core while workers share its memory: every export that changes what they read first waits until they pause.
 * They go on when the driver releases the gate, at the end of the turn: so one pause serves all changes of a turn,
 * and what a change made possible is sent before anything newer.
 */
import { type Address, Core, type CoreExports, type Endpoint } from "../../core/core.ts";
import type { Gate } from "./gate.ts";

/**
 * Exports that change routes, indices, keypairs or settings, or which peers there are. The others only read, or work on
 * what is thread 0's alone: consuming a handshake message is that, so forged ones interrupt nobody.
 */
const CHANGES = [
  "acceptPath",
  "addRoute",
  "ageSessions",
  "beginSession",
  "clearHandshake",
  "clearSessions",
  "confirmSession",
  "createInitiation",
  "createPeer",
  "createResponse",
  "expireSessions",
  "offeredPath",
  "removePeer",
  "removeRoute",
  "removeRoutes",
  "reset",
  "setBase",
  "setMtu",
  "setPort",
  "setPrivateKey",
  "setRekeyLimits",
  "setTrainLength",
  "setTun",
] as const satisfies readonly (keyof CoreExports)[];

/** The few fields of peers that the host changes without the core's help: endpoints and cached source addresses. */
class GuardedCore extends Core {
  readonly #gate: Gate;

  constructor(core: Core, exports: CoreExports, gate: Gate) {
    super(core.memory, exports, core.maxPeers, core.maxRoutes);
    this.#gate = gate;
  }

  override wipe(address: Address, length: number): void {
    if (address >= this.at.peers && address < this.peer(this.maxPeers)) this.#gate.hold();
    super.wipe(address, length);
  }

  override writeEndpoint(path: Address, endpoint: Endpoint): void {
    this.#gate.hold();
    super.writeEndpoint(path, endpoint);
  }
}

export function guardedCore(core: Core, gate: Gate): Core {
  const exports: Record<string, unknown> = { ...core.exports };
  for (const name of CHANGES) {
    const change = core.exports[name] as (...args: unknown[]) => unknown;
    exports[name] = (...args: unknown[]) => {
      gate.hold();
      return change(...args);
    };
  }
  return new GuardedCore(core, exports as CoreExports, gate);
}
