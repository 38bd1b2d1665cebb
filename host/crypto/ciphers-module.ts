/** The module of the ciphers, and the memories that their calls work in. */
import * as builds from "./generated/ciphers.ts";
import { load } from "./load.ts";
import { KEY_SLOTS, STAGED_MAX, STAGING_BYTES, Workspace } from "./memory.ts";

export type CipherExports = typeof builds.WasmExports;

const instantiate = load<CipherExports>(builds);

/** A memory without key slots. */
export function newWorkspace(stagingBytes: number): Workspace<CipherExports> {
  return new Workspace(instantiate(), 0, stagingBytes);
}

/** Holds the keys of handles, and serves every input that fits. */
export const main = new Workspace(instantiate(), KEY_SLOTS, STAGING_BYTES);

/** Without weak references a memory that has grown would stay: then each large input has one to itself. */
const canHoldWeakly = typeof WeakRef === "function";
let large: WeakRef<Workspace<CipherExports>> | undefined;

/** A workspace that can stage `bytes` bytes. @throws RangeError */
export function workspaceFor(bytes: number): Workspace<CipherExports> {
  if (bytes > STAGED_MAX) throw new RangeError(`a message and its AAD expected less than ${STAGED_MAX} bytes`);
  if (bytes <= STAGING_BYTES) return main;
  let workspace = large?.deref();
  if (workspace === undefined) {
    workspace = newWorkspace(bytes);
    if (canHoldWeakly) large = new WeakRef(workspace);
  } else {
    workspace.reserve(bytes);
  }
  return workspace;
}
