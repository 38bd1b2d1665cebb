/** Opens the Libc and prints what came of it: the backend, or the error as a user would see it. */
import { WasmguardError } from "../../../../host/errors.ts";
import { openLibc } from "../../../../host/ffi/libc.ts";

try {
  const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  console.log(JSON.stringify({ backend: libc.backend }));
} catch (error) {
  if (!(error instanceof WasmguardError)) throw error;
  console.log(JSON.stringify({ name: error.name, code: error.code, nextStep: error.nextStep }));
}
