/**
 * Loads the core: picks the build that this runtime accepts, compiles it, lays its memory out.
 * One core is one device; a worker thread attaches to the same memory with the same module.
 */
import { Core, type CoreExports } from "./core.ts";
import { decodeBase64, hasRelaxedSimd } from "./module.ts";

/** Pages (64 KiB) the memory starts with: more than the static data of any build. */
const INITIAL_PAGES = 16;
/** 4 GiB of address space; only touched pages take memory. */
const MAXIMUM_PAGES = 65_536;
const PAGE_BYTES = 65_536;

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

/** Make a core with a memory of its own. */
export async function loadCore(limits: CoreLimits = {}): Promise<Core> {
  const module = await coreModule();
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const exports = instance.exports as unknown as CoreExports;
  const maxPeers = limits.maxPeers ?? DEFAULT_MAX_PEERS;
  const maxRoutes = 2 * (limits.maxAllowedIps ?? DEFAULT_MAX_ALLOWED_IPS);
  exports.attach(maxPeers, maxRoutes, 0);
  const missing = exports.memoryEnd.value - memory.buffer.byteLength;
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
