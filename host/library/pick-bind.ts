/** Who carries a device's datagrams: the program's own Bind, system calls by FFI, or the runtime's sockets. */
import type { Core } from "../core/core.ts";
import type { Bind } from "../event/bind.ts";
import { OptionError } from "../event/device-errors.ts";
import type { DirectBind } from "../event/direct-bind.ts";
import { system } from "../event/system.ts";
import type { Driver, ParsedOptions } from "./device-options.ts";

/** Before anything is loaded. @throws OptionError */
export function requireBind({ bind, driver }: Pick<ParsedOptions, "bind" | "driver">): void {
  const { makeBind, makeDirectBind } = system();
  if (bind !== undefined) return;
  if (driver === "ffi" && makeDirectBind === undefined) {
    throw new OptionError("driver", '"auto" or "portable": this system has no libraries to call');
  }
  if (makeBind === undefined) throw new OptionError("bind", "a Bind: this system has no UDP sockets");
}

/** After requireBind, where the program gave none. @throws PlatformError, FfiUnavailableError, FfiThreadError where "ffi" was asked for */
export async function makeBind(driver: Driver, core: Core): Promise<Bind | DirectBind> {
  const portable = (): Bind => system().makeBind!();
  if (driver === "portable") return portable();
  try {
    return (await system().makeDirectBind?.(core)) ?? portable();
  } catch (error) {
    if (driver === "ffi") throw error;
    return portable();
  }
}
