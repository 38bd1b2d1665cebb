/** Which build is in use: with relaxed SIMD or without. The results are the same. */
import { hasRelaxedSimd } from "../core/module.ts";

export const build: "relaxed" | "simd" = typeof WebAssembly === "object" && hasRelaxedSimd() ? "relaxed" : "simd";
