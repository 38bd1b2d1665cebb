/**
 * wasmguard/crypto in both builds, and a look into every linear memory that it makes. A build is chosen as in real life,
 * by what `WebAssembly.validate` says while the module loads.
 */
import { vi } from "vitest";

export interface CryptoBuild {
  readonly name: "relaxed" | "simd";
  readonly api: typeof import("../../host/crypto/index.ts");
  readonly memory: typeof import("../../host/crypto/memory.ts");
}

/** A linear memory, and what it held when it was made: constants, zeros, and the multiples of X25519's base point. */
interface Recorded {
  readonly memory: WebAssembly.Memory;
  pristine: Buffer;
}

const recorded: Recorded[] = [];

WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    const memory = this.exports.memory as WebAssembly.Memory;
    recorded.push({ memory, pristine: copyOf(memory) });
  }
};

function copyOf(memory: WebAssembly.Memory): Buffer {
  return Buffer.from(memory.buffer.slice(0));
}

async function load(name: CryptoBuild["name"]): Promise<CryptoBuild> {
  const { validate } = WebAssembly;
  if (name === "simd") WebAssembly.validate = () => false;
  vi.resetModules();
  const api = await import("../../host/crypto/index.ts");
  const memory = await import("../../host/crypto/memory.ts");
  WebAssembly.validate = validate;
  // What the first public key makes stays, and is not secret.
  api.x25519.getPublicKey(new Uint8Array(32));
  for (const entry of recorded) entry.pristine = copyOf(entry.memory);
  if (api.build !== name) throw new Error(`expected the ${name} build, got ${api.build}`);
  return { name, api, memory };
}

export const cryptoBuilds: readonly CryptoBuild[] = [await load("relaxed"), await load("simd")];

/** Is `memory` as it was when it was made, and zero where it has grown? */
function isPristine({ memory, pristine }: Recorded): boolean {
  const now = Buffer.from(memory.buffer);
  if (!now.subarray(0, pristine.length).equals(pristine)) return false;
  const grown = now.subarray(pristine.length);
  return grown.equals(Buffer.alloc(grown.length));
}

/** How many memories hold anything that was not there when they were made. */
export function dirtyMemories(): number {
  return recorded.filter((entry) => !isPristine(entry)).length;
}

/** How often these bytes lie in any memory. */
export function copiesOf(secret: Uint8Array): number {
  let count = 0;
  for (const { memory } of recorded) {
    const bytes = Buffer.from(memory.buffer);
    for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1)) count++;
  }
  return count;
}
