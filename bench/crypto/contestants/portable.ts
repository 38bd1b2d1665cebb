// Everybody who can run anywhere, in the order of the tables. The web page takes these and WebCrypto.
import type { Contestant } from "../contestant.ts";
import { libsodium } from "./libsodium.ts";
import { noble } from "./noble.ts";
import { stablelib } from "./stablelib.ts";
import { wasmPackages } from "./wasm-packages.ts";
import { wasmguard } from "./wasmguard.ts";

export const portable: Contestant[] = [...wasmguard, ...libsodium, ...noble, ...stablelib, ...wasmPackages];
