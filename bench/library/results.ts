/** What `npm run bench:library` measured: bench/results/library.json. */
import type { RuntimeName } from "../runtimes.ts";
import type { CipherResult } from "./options.ts";
import type { Throughput } from "./throughput.ts";

/** Another state of this repository that is compared with, and the two drivers of this one. */
export type Tunnel = "baseline" | "portable" | "ffi";

/** Or the runtime's own sockets without any tunnel: "sealed" with the cipher beside them, "unstable" Deno's with --unstable-net. */
export type Contestant = Tunnel | "sockets" | "sealed sockets" | "unstable sockets";

export interface RuntimeResults {
  readonly runtime: RuntimeName;
  readonly throughput: Readonly<Partial<Record<Contestant, Throughput>>>;
  readonly cipher?: CipherResult | undefined;
  /** Milliseconds. */
  readonly firstPacket: Readonly<Partial<Record<Tunnel, number>>>;
  /** Megabytes by number of devices; 0 is the runtime with the package loaded. */
  readonly memory: Readonly<Partial<Record<Tunnel, Readonly<Record<string, number>>>>>;
}

export interface LibraryResults {
  readonly date: string;
  readonly command: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly kernel: string };
  /** Load averages of the last minute, before and after. */
  readonly load: readonly [number, number];
  readonly baseline: string | undefined;
  readonly seconds: number;
  readonly runtimes: readonly RuntimeResults[];
}
