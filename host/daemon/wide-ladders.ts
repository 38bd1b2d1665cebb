/**
 * Handshakes with 256-bit vectors, for devices of many peers: four X25519 at once take little more time than two. A few peers never shake
 * hands so often that it pays for some ten milliseconds of compiling and the memory of that, so a device begins without. Where it has
 * further threads it begins with them: the options of wide-vectors.ts are for no thread but the one that asks.
 */
import type { Core } from "../core/core.ts";
import { ladderKernelBytes, useLadderKernel, warmUpLadders } from "../core/ladders.ts";
import { machine, v8Version } from "../platform.ts";
import { compileWide, obstacle } from "./wide-vectors.ts";

/** The first slot of a peer that makes them many. */
const MANY_PEERS = 64;
/** V8 finds the smallest function of the kernel worth compiling after some 30 calls, of a tenth of a millisecond each. */
const WARM_UP_CALLS = 60;

/** Of Node 24, whose 256-bit code for this kernel yields something else, and takes long to compile. */
const WRONG_V8 = "13.6.";

export async function compileLadders(): Promise<WebAssembly.Module> {
  return compileWide(await ladderKernelBytes(), (module) => warmUpLadders(module, WARM_UP_CALLS));
}

/** Have `core` climb four ladders at once, if 256-bit vectors can be had and yield the same. */
export async function widenLadders(core: Core, tell: (message: string) => void): Promise<void> {
  // The file that tells of AVX2 is out of reach; of processors that fuse multiply-add, without which the core has no use for the kernel, all have it.
  const known = obstacle({ hasAvx2: () => machine() === "x86_64" });
  const reason = known ?? (v8Version().startsWith(WRONG_V8) ? "V8 of Node 24 gets them wrong" : undefined);
  if (reason !== undefined) return tell(`handshakes without 256-bit vectors: ${reason}`);
  try {
    const right = useLadderKernel(core, await compileLadders());
    tell(right ? "handshakes with 256-bit vectors" : "handshakes without 256-bit vectors: their results are wrong");
  } catch (error) {
    tell(`handshakes without 256-bit vectors: ${error instanceof Error ? error.message : error}`);
  }
}

export class WideLadders {
  readonly #core: Core;
  readonly #tell: (message: string) => void;
  #begun = false;

  constructor(core: Core, tell: (message: string) => void) {
    this.#core = core;
    this.#tell = tell;
  }

  /** With many peers it happens in a later turn of the runtime's event loop. */
  peerCreated(slot: number): void {
    if (slot >= MANY_PEERS) void this.begin();
  }

  /** Once. Before there are other threads of ours, which could compile something meanwhile. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    await widenLadders(this.#core, this.#tell);
  }
}
