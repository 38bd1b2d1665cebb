// What `widenVectors` does in this runtime, and what V8 tells of it, as lines of stdout.
import { loadCore } from "../../../../host/core/load.ts";
import { warmUp, wideKernelBytes } from "../../../../host/core/wide-kernel.ts";
import { compileKernel, compileLadders, widenVectors } from "../../../../host/daemon/wide-vectors.ts";
import { cpuFlags } from "../../../../host/os/linux/cpu-flags.ts";

if (process.argv[2] === "traced") {
  await compileKernel();
  console.log("the same code once more");
  // Other bytes, so that V8 does not take what it has: an empty custom section.
  const module = new WebAssembly.Module(Uint8Array.from([...(await wideKernelBytes()), 0, 2, 1, 65]));
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--wasm-sync-tier-up");
  warmUp(module, 2000);
} else if (process.argv[2] === "traced ladders") {
  await compileLadders();
} else {
  const core = await loadCore({ maxPeers: 8, maxAllowedIps: 8 }, "shared");
  const told: string[] = [];
  const { bits, handshakeBits, kernel } = await widenVectors(
    core,
    { hasAvx2: () => cpuFlags().has("avx2") },
    (message) => told.push(message),
  );
  console.log(JSON.stringify({ bits, handshakeBits, kernel: kernel !== undefined, told }));
}
