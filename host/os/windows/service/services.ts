/** Tunnels as services of Windows. */
import { FILE_SECURITY_SIGNATURES } from "../../../ffi/windows/file-signatures.ts";
import { CODE_SIGNATURES, SERVICE_SIGNATURES } from "../../../ffi/windows/service-signatures.ts";
import { openWin32 } from "../../../ffi/windows/win32.ts";
import type { Services } from "../../services.ts";
import { tellUnconfined } from "../../unconfined.ts";
import { accessOf } from "../access.ts";
import { WINDOWS } from "../rights.ts";
import { Dispatcher } from "./dispatcher.ts";
import { checkInstall } from "./install-check.ts";
import { ServiceManager } from "./manager.ts";

/** @throws WindowsRuntimeError */
export async function windowsServices(): Promise<Services> {
  // Not a tunnel's: what the manager's threads read and write is to be where it is for as long as the process lives.
  const win = await openWin32(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  const calls = win.system("advapi32.dll", SERVICE_SIGNATURES);
  const manager = new ServiceManager(win, calls);
  return {
    install(request) {
      tellUnconfined(WINDOWS, { ...request, log: () => {} });
      const security = win.system("advapi32.dll", FILE_SECURITY_SIGNATURES);
      const remarks = checkInstall((path) => accessOf(win, security, path), request);
      manager.install(request);
      return remarks;
    },
    start: (tunnel) => manager.start(tunnel),
    stop: (tunnel) => manager.stop(tunnel),
    uninstall: (tunnel) => manager.uninstall(tunnel),
    enter: (tunnel) => Dispatcher.enter(win, calls, win.system("kernel32.dll", CODE_SIGNATURES), tunnel),
  };
}
