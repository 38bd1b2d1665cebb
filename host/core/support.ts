/** Whether this runtime can run our WebAssembly at all, and if not, why: three different things to do about it. */

/** One function that splats an i32: a module that only a runtime with SIMD accepts. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 5, 1, 0x60, 0, 1, 0x7b], // type: () -> v128
  ...[3, 2, 1, 0], // one function of it
  ...[10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x11, 0x0b], // i32x4.splat(0)
);
const EMPTY_MODULE = SIMD_PROBE.slice(0, 8);

export const OBSTACLES = {
  missing: "this runtime has no WebAssembly",
  forbidden: "this runtime or its Content-Security-Policy forbids to compile WebAssembly",
  "no simd": "this runtime has no WebAssembly SIMD",
} as const;

export const OBSTACLE_STEPS = {
  missing:
    "Start it without --jitless or lockdown mode, or use Node 20 or newer, Deno, Bun, or a browser of 2023 or newer.",
  forbidden: "Add 'wasm-unsafe-eval' to script-src of the Content-Security-Policy.",
  "no simd": "Use Node 20 or newer, Deno, Bun, or a browser of 2023 or newer.",
} as const;

export type Obstacle = keyof typeof OBSTACLES;

/** @returns undefined where nothing is in the way */
export function obstacle(): Obstacle | undefined {
  if (typeof WebAssembly !== "object" || typeof WebAssembly?.validate !== "function") return "missing";
  if (!WebAssembly.validate(SIMD_PROBE)) return "no simd";
  try {
    new WebAssembly.Module(EMPTY_MODULE);
    return undefined;
  } catch {
    return "forbidden";
  }
}
