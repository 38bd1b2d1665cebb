// The modules that hash: those of wasmguard/crypto, and what the core has of it, whose compression functions are others.
import { BUILDS, type Build, compileAssembly } from "../../../support/assembly.ts";
import { type Blake2sExports, blake2sModules, CryptoModule } from "../../../support/crypto-module.ts";

interface CoreExports extends Blake2sExports {
  blake2sBegin(begun: number, outLength: number, key: number, keyLength: number): void;
  blake2sRest(out: number, outLength: number, begun: number, src: number, length: number): void;
  kdf1(t1: number, key32: number, src: number, length: number): void;
  kdf2(t1: number, t2: number, key32: number, src: number, length: number): void;
  kdf3(t1: number, t2: number, t3: number, key32: number, src: number, length: number): void;
}

async function compile(build: Build): Promise<CryptoModule<CoreExports>> {
  const wasm = await compileAssembly(["test/assembly/crypto/hash/entry.ts"], "--initialMemory 1", build);
  return new CryptoModule(`core's ${build}`, Buffer.from(wasm).toString("base64"));
}

export const coreHashModules = await Promise.all((Object.keys(BUILDS) as Build[]).map(compile));
export const hashModules: readonly CryptoModule<Blake2sExports>[] = [...blake2sModules, ...coreHashModules];
