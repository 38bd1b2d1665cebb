/** Which build is in use: with relaxed SIMD or without. The results are the same. */
import { hasRelaxedSimd } from "../core/module.ts";
import { carried } from "./generated/carried.ts";

type Build = "relaxed" | "simd";

function choose(): Build {
  const [first, second] = carried;
  if (second === undefined) return first;
  return typeof WebAssembly === "object" && hasRelaxedSimd() ? "relaxed" : "simd";
}

export const build: Build = choose();
