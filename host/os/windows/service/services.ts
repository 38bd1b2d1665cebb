/** Tunnels as services of Windows. */
import { existsSync } from "node:fs";
import { FILE_SECURITY_SIGNATURES } from "../../../ffi/windows/file-signatures.ts";
import { CODE_SIGNATURES, SERVICE_SIGNATURES } from "../../../ffi/windows/service-signatures.ts";
import { openWin32, type Win32 } from "../../../ffi/windows/win32.ts";
import { withoutGrants } from "../../../ffi/windows/windows-errors.ts";
import type { ServiceRequest, Services } from "../../services.ts";
import { tellUnconfined } from "../../unconfined.ts";
import { accessOf } from "../access.ts";
import { wintunPlaces } from "../wintun.ts";
import { Dispatcher } from "./dispatcher.ts";
import { ServiceManager } from "./manager.ts";
import { programFiles, withLinks } from "./program-files.ts";
import { Writers } from "./writers.ts";

/** @returns who else could read secrets @throws WritableError, WindowsError */
function checkWriters(win: Win32, { driver, secrets, writers }: ServiceRequest): string[] {
  const calls = win.system("advapi32.dll", FILE_SECURITY_SIGNATURES);
  const known = new Writers((path) => accessOf(win, calls, path), writers);
  const read = [...wintunPlaces(driver).filter(existsSync), ...secrets];
  for (const path of [...programFiles(), ...withLinks(read)]) known.require(path);
  return secrets.flatMap((path) => {
    const reader = known.reader(path);
    return reader === undefined ? [] : `${path} holds a secret that ${reader} may read: ${withoutGrants(path, reader)}`;
  });
}

/** @throws WindowsRuntimeError */
export async function windowsServices(): Promise<Services> {
  // Not a tunnel's: what the manager's threads read and write is to be where it is for as long as the process lives.
  const win = await openWin32(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  const calls = win.system("advapi32.dll", SERVICE_SIGNATURES);
  const manager = new ServiceManager(win, calls);
  return {
    install(request) {
      tellUnconfined("Windows", { ...request, log: () => {} });
      const remarks = checkWriters(win, request);
      manager.install(request);
      return remarks;
    },
    start: (tunnel) => manager.start(tunnel),
    stop: (tunnel) => manager.stop(tunnel),
    uninstall: (tunnel) => manager.uninstall(tunnel),
    enter: (tunnel) => Dispatcher.enter(win, calls, win.system("kernel32.dll", CODE_SIGNATURES), tunnel),
  };
}
