/** wasmguard/crypto and the library through bundlers: what comes out works, minified too, and carries no more than it needs. */
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANSWER, CRYPTO, CRYPTO_BY_PARTS, LIBRARY, LIBRARY_ANSWER } from "./programs.ts";
import { bundle, makeProject, type Project, run } from "./support.ts";

const BUNDLERS = ["esbuild", "vite", "webpack", "rollup"] as const;

/** Bytes of the minified bundle for browsers. Whoever needs more changes it here, and says why. (The library carries
 * both builds of its core, and its core the ladders for four handshakes; of the module of X25519 one build. This module has two ladders, of
 * which the second, for pairs, takes 1,400.) */
const BUDGETS = { ciphers: 19_700, blake2s: 20_500, x25519: 26_000, all: 59_000, library: 320_000 } as const;

const ONE = {
  ciphers: `import { chacha20poly1305 } from "wasmguard/crypto";
    console.log(chacha20poly1305(new Uint8Array(32), new Uint8Array(12)).encrypt(new Uint8Array(3)).length);`,
  blake2s: `import { blake2s } from "wasmguard/crypto"; console.log(blake2s(new Uint8Array(3)).length);`,
  x25519: `import { x25519 } from "wasmguard/crypto"; console.log(x25519.keygen().publicKey.length);`,
} as const;
const ONE_ANSWERS = { ciphers: "19", blake2s: "32", x25519: "32" } as const;

let project: Project;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => project.remove());

/** All of it: a bundle may have chunks, in folders, too. */
function bytesOf(output: string): number {
  const entries = readdirSync(dirname(output), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.reduce((total, { parentPath, name }) => total + statSync(join(parentPath, name)).size, 0);
}

const answerOf = (path: string): string => run(process.execPath, [path], project.directory).stdout.trim();

describe.each(BUNDLERS)("%s", (bundler) => {
  it.each(["browser", "node"] as const)("bundles wasmguard/crypto for %s", (target) => {
    const output = bundle(project, bundler, CRYPTO, target);
    expect(answerOf(output)).toBe(ANSWER);
    if (target === "browser") expect(bytesOf(output)).toBeLessThan(BUDGETS.all);
  });

  it("bundles what is imported by parts", () => {
    expect(answerOf(bundle(project, bundler, CRYPTO_BY_PARTS, "browser"))).toBe(ANSWER);
  });

  it.each(Object.keys(ONE) as (keyof typeof ONE)[])("carries nothing else where only %s is imported", (name) => {
    const output = bundle(project, bundler, ONE[name], "browser");
    expect(answerOf(output)).toBe(ONE_ANSWERS[name]);
    expect(bytesOf(output)).toBeLessThan(BUDGETS[name]);
  });

  it("bundles the library for Node, and errors keep their names", () => {
    const output = bundle(project, bundler, LIBRARY, "node");
    expect(answerOf(output)).toBe(LIBRARY_ANSWER);
    expect(bytesOf(output)).toBeLessThan(BUDGETS.library);
  });
});

it("no error of the package is called what a bundler made of its class", () => {
  const names = `
    import * as library from "wasmguard";
    import * as network from "wasmguard/network";
    import * as errors from "wasmguard/crypto/errors";
    const wrong = [], seen = [];
    for (const [name, value] of [library, network, errors].flatMap((module) => Object.entries(module))) {
      if (typeof value !== "function" || !(value.prototype instanceof Error)) continue;
      let error;
      try { error = new value({}, {}, {}); } catch { continue; } // it reads its arguments, or is abstract
      seen.push(name);
      if (error.name !== name && !["WasmguardError", "CryptoError"].includes(name)) wrong.push(name + ": " + error.name);
    }
    console.log(JSON.stringify({ wrong, seen: seen.length }));`;
  const { wrong, seen } = JSON.parse(answerOf(bundle(project, "esbuild", names, "node")));
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(10);
});
