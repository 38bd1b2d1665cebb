/**
 * Cores for simulated machines, used again and again: runtimes reserve gigabytes of address space for each WebAssembly
 * memory, so a process keeps a handful. A core comes back when its engine is closed, and must not hold a secret then.
 */
import * as abi from "../../assembly/abi.ts";
import type { Core } from "../../host/core/core.ts";
import { loadCore } from "../../host/core/load.ts";

const MAX_PEERS = 8;

export class Cores {
  readonly #free: Core[];

  private constructor(cores: Core[]) {
    this.#free = cores;
  }

  static async load(count: number): Promise<Cores> {
    const cores: Core[] = [];
    while (cores.length < count) cores.push(await loadCore({ maxPeers: MAX_PEERS, maxAllowedIps: 64 }));
    return new Cores(cores);
  }

  /** A core in its first state. */
  take(): Core {
    const core = this.#free.pop();
    if (core === undefined) throw new RangeError("all cores are in use");
    core.exports.reset();
    return core;
  }

  /** @throws if a key was left behind */
  giveBack(core: Core): void {
    const { identity, peerSecrets, uapiAreas } = core.at;
    requireZero(core, identity, identity + abi.IDENTITY_BYTES, "identity");
    requireZero(core, peerSecrets, uapiAreas, "peer secrets and keypairs");
    this.#free.push(core);
  }
}

function requireZero(core: Core, from: number, to: number, what: string): void {
  for (let at = from >>> 2; at < to >>> 2; at++) {
    if (core.words[at] !== 0) throw new Error(`a closed engine left its ${what} behind, at ${4 * at - from}`);
  }
}
