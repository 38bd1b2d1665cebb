/**
 * Loads the core: picks the build that this runtime accepts, compiles it, lays its memory out.
 * One core is one device; a worker thread attaches to the same memory with the same module.
 */
import { LimitsError } from "../errors.ts";
import { Core, type CoreExports } from "./core.ts";
import { decodeBase64, hasRelaxedSimd } from "./module.ts";

/** Pages (64 KiB) the memory starts with: more than the static data of any build. */
const INITIAL_PAGES = 16;
/** 4 GiB of address space; only touched pages take memory. */
const MAXIMUM_PAGES = 65_536;
const PAGE_BYTES = 65_536;
/** Where memory ends at most: the core gives addresses as i32. */
const MEMORY_END_MAX = 2 ** 31;
/** Each at its most, both together stay below 4 GiB: the layout, which counts in u32, can be asked where it would end. */
const PEERS_MAX = 524_288;
const ALLOWED_IPS_MAX = 16_777_216;

export interface CoreLimits {
  /** Peers the device may have; wireguard-go's limit by default. */
  readonly maxPeers?: number;
  /** Allowed-ips entries; each takes up to two nodes. */
  readonly maxAllowedIps?: number;
}

export const DEFAULT_MAX_PEERS = 65_536;
export const DEFAULT_MAX_ALLOWED_IPS = 524_288;

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const { default: base64 } = hasRelaxedSimd()
    ? await import("./generated/relaxed.ts")
    : await import("./generated/simd.ts");
  return WebAssembly.compile(decodeBase64(base64));
}

function checkLimit(name: keyof CoreLimits, value: number, maximum: number): void {
  if (!Number.isInteger(value) || value < 1 || value > maximum) {
    throw new LimitsError(`${name} is not a whole number from 1 to ${maximum}`);
  }
}

/** Make a core with a memory of its own. @throws LimitsError */
export async function loadCore(limits: CoreLimits = {}): Promise<Core> {
  const { maxPeers = DEFAULT_MAX_PEERS, maxAllowedIps = DEFAULT_MAX_ALLOWED_IPS } = limits;
  checkLimit("maxPeers", maxPeers, PEERS_MAX);
  checkLimit("maxAllowedIps", maxAllowedIps, ALLOWED_IPS_MAX);
  const maxRoutes = 2 * maxAllowedIps;
  const module = await coreModule();
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const exports = instance.exports as unknown as CoreExports;
  exports.attach(maxPeers, maxRoutes, 0);
  const end = exports.memoryEnd.value >>> 0;
  if (end >= MEMORY_END_MAX) {
    throw new LimitsError(`${maxPeers} peers and ${maxAllowedIps} allowed IPs would take ${end} bytes of memory`);
  }
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  exports.reset();
  return new Core(memory, exports, maxPeers, maxRoutes);
}

/** What every core of this process is an instance of. */
export function coreModule(): Promise<WebAssembly.Module> {
  compiled ??= compile();
  return compiled;
}

export interface Attachment {
  readonly maxPeers: number;
  readonly maxRoutes: number;
  /** 1 to THREADS_MAX − 1; thread 0 has the instance that `loadCore` made. */
  readonly thread: number;
}

/** A further instance on the memory of a core, for another thread. The limits are those of the first. */
export async function attachCore(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { maxPeers, maxRoutes, thread }: Attachment,
): Promise<Core> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const exports = instance.exports as unknown as CoreExports;
  exports.attach(maxPeers, maxRoutes, thread);
  return new Core(memory, exports, maxPeers, maxRoutes);
}
