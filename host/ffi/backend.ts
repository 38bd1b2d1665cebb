/** The FFI of the runtime that this is, for one C library. */
import { runtime } from "../platform.ts";
import type { Backend, CLibrary } from "./signatures.ts";

/** @throws where the runtime has none, or may not use it */
export async function pickBackend<Name extends string>(library: CLibrary<Name>): Promise<Backend<Name>> {
  switch (runtime()) {
    case "bun":
      return (await import("./bun.ts")).bunBackend(library);
    case "deno":
      return (await import("./deno.ts")).denoBackend(library);
    default: {
      const builtIn = (await import("./node.ts")).nodeBackend(library);
      return builtIn ?? (await import("./koffi.ts")).koffiBackend(library);
    }
  }
}
