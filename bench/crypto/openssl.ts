// `openssl speed` of the same operations, one after the other: what native code reaches on this machine. It counts its own
// processor time, so that other programs on a busy machine do not lower the ceiling.
import { spawnSync } from "node:child_process";
import type { Primitive } from "./contestant.ts";
import type { CryptoResults, NativeResult } from "./results.ts";

const SECONDS = 1;
const REPEATS = 3;
const NS_PER_SECOND = 1e9;
// -aead: a whole message with nonce and tag each time. OpenSSL 3's speed does not time X25519's public key, nor Poly1305.
const RUNS: readonly { primitive: Primitive; sizes: readonly number[]; args: readonly string[] }[] = [
  { primitive: "aead-seal", sizes: [64, 1420, 16384], args: ["-aead", "-evp", "chacha20-poly1305"] },
  { primitive: "aead-open", sizes: [64, 1420, 16384], args: ["-aead", "-decrypt", "-evp", "chacha20-poly1305"] },
  { primitive: "chacha20", sizes: [64, 1420, 16384], args: ["-evp", "chacha20"] },
  { primitive: "x25519-shared", sizes: [0], args: ["ecdhx25519"] },
  { primitive: "blake2s", sizes: [32, 64, 128, 1024], args: ["-evp", "blake2s256"] },
];

/** Nanoseconds per operation from the lines of `-mr`: "+F:…:bytes per second" and "+F5:…:…:operations per second:…". */
function parse(output: string, bytes: number): number | undefined {
  const fields = output
    .split("\n")
    .find((line) => line.startsWith(bytes === 0 ? "+F5:" : "+F:"))
    ?.split(":");
  if (!fields) return undefined;
  if (bytes === 0) return NS_PER_SECOND / Number(fields[3]);
  return (NS_PER_SECOND * bytes) / Number(fields[3]);
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[known.length >> 1];
}

/** @param prefix the command that binds a process to the same core, or nothing */
export function opensslSpeed(prefix: readonly string[]): CryptoResults["openssl"] {
  const call = (args: readonly string[]) => {
    const [command, ...rest] = [...prefix, "openssl", ...args] as [string, ...string[]];
    return spawnSync(command, rest, { encoding: "utf8" });
  };
  const version = call(["version"]);
  if (version.status !== 0) return { skipped: "openssl is not installed" };
  const results: NativeResult[] = [];
  for (const { primitive, sizes, args } of RUNS) {
    for (const bytes of sizes) {
      const size = bytes === 0 ? [] : ["-bytes", String(bytes)];
      const command = ["speed", "-mr", "-seconds", String(SECONDS), ...size, ...args];
      const ns = median(Array.from({ length: REPEATS }, () => parse(call(command).stdout, bytes)));
      if (ns) results.push({ primitive, bytes, ns: Math.round(ns * 10) / 10 });
    }
  }
  return { version: version.stdout.trim(), results };
}
