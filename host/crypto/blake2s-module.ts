/** The module of BLAKE2s and HMAC, and the memory that their calls work in. */
import * as builds from "./generated/blake2s.ts";
import { load } from "./load.ts";
import { KEY_SLOTS, STAGING_BYTES, Workspace } from "./memory.ts";

export const main = new Workspace(load<typeof builds.WasmExports>(builds)(), KEY_SLOTS, STAGING_BYTES);
