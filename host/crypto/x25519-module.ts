/** The module of X25519, and the memory that its calls work in. */
import * as builds from "./generated/x25519.ts";
import { load } from "./load.ts";
import { KEY_SLOTS, SHORT_BYTES, Workspace } from "./memory.ts";

export const main = new Workspace(load<typeof builds.WasmExports>(builds)(), KEY_SLOTS, SHORT_BYTES);
