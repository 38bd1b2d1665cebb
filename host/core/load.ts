/**
 * Loads the core: picks the build that this runtime accepts, compiles it, lays its memory out.
 * One core is one device; a worker thread attaches to the same memory with the same module.
 *
 * The memory has its final size from the start, so views of it stay good and it takes no address space beyond that. It
 * is shared only where threads need that. A private one is all that an embedded device wants: web interfaces
 * (getRandomValues, TextDecoder) refuse views of shared memory.
 */
import { THREADS_MAX } from "../../assembly/abi.ts";
import { LimitsError, MemoryLimitError } from "../errors.ts";
import { Core, type CoreExports } from "./core.ts";
import { decodeBase64, hasRelaxedSimd } from "./module.ts";

export type MemoryKind = "private" | "shared";

/** What the core's import says of its memory: the limits' flags in the binary format (1 a maximum, 2 shared). */
const LIMITS_FLAGS = { private: 1, shared: 3 } as const;
/** Pages that the static data of every build fit into. */
const STATIC_PAGES = 16;
const PAGE_BYTES = 65_536;
/** Where memory ends at most: the core gives addresses as i32. */
const MEMORY_END_MAX = 2 ** 31;
/** Each at its most, both together stay below 4 GiB: the layout, which counts in u32, can be asked where it would end. */
const PEERS_MAX = 524_288;
const ALLOWED_IPS_MAX = 16_777_216;

export interface CoreLimits {
  /** Peers the device may have. */
  readonly maxPeers?: number;
  /** Allowed-ips entries; each takes up to two nodes. */
  readonly maxAllowedIps?: number;
}

/**
 * A daemon has wireguard-go's limit. A process may embed many devices, and JavaScript engines count private memory as used
 * although nobody touched it: beyond some 25 MB each, V8 collects garbage for nearly every new one.
 */
export const DEFAULT_LIMITS = {
  shared: { maxPeers: 65_536, maxAllowedIps: 524_288 },
  private: { maxPeers: 5_120, maxAllowedIps: 20_480 },
} as const satisfies Record<MemoryKind, Required<CoreLimits>>;

interface Compiled {
  readonly module: WebAssembly.Module;
  /** An instance that is asked where memory would end, and does nothing else. */
  readonly ruler: CoreExports;
}

const compiled: Partial<Record<MemoryKind, Promise<Compiled>>> = {};

async function compile(kind: MemoryKind): Promise<Compiled> {
  const { default: base64, memoryFlagsAt } = hasRelaxedSimd()
    ? await import("./generated/relaxed.ts")
    : await import("./generated/simd.ts");
  const bytes = decodeBase64(base64);
  bytes[memoryFlagsAt] = LIMITS_FLAGS[kind];
  const module = await WebAssembly.compile(bytes);
  return { module, ruler: await instantiate(module, makeMemory(kind, STATIC_PAGES)) };
}

async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<CoreExports> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as CoreExports;
}

function makeMemory(kind: MemoryKind, pages: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: kind === "shared" });
}

function checkLimit(name: keyof CoreLimits, value: number, maximum: number): void {
  if (!Number.isInteger(value) || value < 1 || value > maximum) {
    throw new LimitsError(`${name} is not a whole number from 1 to ${maximum}`);
  }
}

/** Make a core with a memory of its own. @throws LimitsError */
export async function loadCore(limits: CoreLimits = {}, kind: MemoryKind = "private"): Promise<Core> {
  const { maxPeers = DEFAULT_LIMITS[kind].maxPeers, maxAllowedIps = DEFAULT_LIMITS[kind].maxAllowedIps } = limits;
  checkLimit("maxPeers", maxPeers, PEERS_MAX);
  checkLimit("maxAllowedIps", maxAllowedIps, ALLOWED_IPS_MAX);
  const maxRoutes = 2 * maxAllowedIps;
  const threads = kind === "shared" ? THREADS_MAX : 1;
  const { module, ruler } = await compiledCore(kind);
  ruler.attach(maxPeers, maxRoutes, 0, threads);
  const end = ruler.memoryEnd.value >>> 0;
  if (end >= MEMORY_END_MAX) {
    throw new LimitsError(`${maxPeers} peers and ${maxAllowedIps} allowed IPs would take ${end} bytes of memory`);
  }
  let memory: WebAssembly.Memory;
  try {
    memory = makeMemory(kind, Math.max(STATIC_PAGES, Math.ceil(end / PAGE_BYTES)));
  } catch (cause) {
    throw new MemoryLimitError(`the runtime has no ${end} bytes of memory for another device`, { cause });
  }
  const exports = await instantiate(module, memory);
  layOut(exports, { maxPeers, maxRoutes, thread: 0, memoryEnd: end }, threads);
  exports.reset();
  return new Core(memory, exports, maxPeers, maxRoutes);
}

function compiledCore(kind: MemoryKind): Promise<Compiled> {
  compiled[kind] ??= compile(kind);
  return compiled[kind];
}

/** What the cores with a shared memory are instances of, for other threads to attach to. */
export async function sharedCoreModule(): Promise<WebAssembly.Module> {
  return (await compiledCore("shared")).module;
}

export interface Attachment {
  readonly maxPeers: number;
  readonly maxRoutes: number;
  /** 1 to THREADS_MAX − 1; thread 0 has the instance that `loadCore` made. */
  readonly thread: number;
  /** Where the first's layout ends. */
  readonly memoryEnd: number;
}

/**
 * What a layout leaves room for depends on whether multiply-add is fused, which each instance finds out for itself
 * (assembly/crypto/field.ts): two that differ in it would write over each other.
 */
function layOut(exports: CoreExports, attachment: Attachment, threads: number): void {
  exports.attach(attachment.maxPeers, attachment.maxRoutes, attachment.thread, threads);
  const end = exports.memoryEnd.value >>> 0;
  if (end === attachment.memoryEnd) return;
  throw new Error(
    `an instance of the core lays memory out to ${end}, the first one to ${attachment.memoryEnd}: multiply-add is not the same in both`,
  );
}

/** A further instance on the shared memory of a core, for another thread. The limits are those of the first. */
export async function attachCore(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  attachment: Attachment,
): Promise<Core> {
  const exports = await instantiate(module, memory);
  layOut(exports, attachment, THREADS_MAX);
  return new Core(memory, exports, attachment.maxPeers, attachment.maxRoutes);
}
