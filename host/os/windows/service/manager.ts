/** The service control manager, as an administrator uses it: install, start, stop, uninstall. */
import { setTimeout as delay } from "node:timers/promises";
import { ERROR, SERVICE } from "../../../ffi/windows/constants.ts";
import { SERVICE_STATUS } from "../../../ffi/windows/layout.ts";
import type { ServiceCalls, Win32 } from "../../../ffi/windows/win32.ts";
import { AdministratorError, ServiceError, WindowsError } from "../../../ffi/windows/windows-errors.ts";
import type { ServiceRequest } from "../../services.ts";
import { commandLine } from "./command-line.ts";
import { configureService } from "./configuration.ts";
import { registerEventSource, removeEventSource } from "./event-log.ts";
import { serviceName } from "./names.ts";

/** As long as a start waits for a daemon that is in the background (launch/report.ts), and some. */
const CHANGE_TIMEOUT_MS = 30_000;
const LOOK_AGAIN_MS = 100;
/** Where the texts of one call lie in the scratch buffer. */
const TEXT_AT = { name: 0, displayName: 512, dependencies: 1024, command: 2048 } as const;
/** What WireGuard's own tunnels wait for. Ends with an empty name. */
const DEPENDENCIES = "Nsi\0TcpIp\0";

/** Of a service whose process has said nothing yet, or that is ending. */
const TAKES_NO_REQUEST_YET: readonly number[] = [
  ERROR.ERROR_INVALID_SERVICE_CONTROL,
  ERROR.ERROR_SERVICE_CANNOT_ACCEPT_CTRL,
];

/** What Windows says, and what is to be said of it. */
const FAULTS: Readonly<Record<number, readonly [fault: string, nextStep: string]>> = {
  [ERROR.ERROR_SERVICE_EXISTS]: ["is installed already", "Remove it first: wasmguard service uninstall NAME"],
  [ERROR.ERROR_SERVICE_DOES_NOT_EXIST]: ["is not installed", "See: wasmguard help service"],
  [ERROR.ERROR_SERVICE_ALREADY_RUNNING]: ["runs already", "See: wasmguard show"],
  [ERROR.ERROR_SERVICE_NOT_ACTIVE]: ["does not run", "Start it: wasmguard service start NAME"],
  [ERROR.ERROR_SERVICE_MARKED_FOR_DELETE]: ["is being removed", "Close what shows services, and try again"],
};

export class ServiceManager {
  readonly #win: Win32;
  readonly #calls: ServiceCalls;

  constructor(win: Win32, calls: ServiceCalls) {
    this.#win = win;
    this.#calls = calls;
  }

  install({ tunnel, program, args }: ServiceRequest): void {
    const text = (place: keyof typeof TEXT_AT, value: string) => this.#win.text(value, TEXT_AT[place]);
    const name = serviceName(tunnel);
    this.#withManager(SERVICE.SC_MANAGER_CREATE_SERVICE, (manager) => {
      const service = this.#calls.CreateServiceW(
        manager,
        text("name", name),
        text("displayName", `wasmguard: ${tunnel}`),
        SERVICE.SERVICE_ALL_ACCESS,
        SERVICE.SERVICE_WIN32_OWN_PROCESS,
        SERVICE.SERVICE_AUTO_START,
        SERVICE.SERVICE_ERROR_NORMAL,
        text("command", commandLine(program, args)),
        0,
        ...[0, text("dependencies", DEPENDENCIES)],
        // The system's own account, LocalSystem: drivers, interfaces and the control pipe are its.
        ...[0n, 0n],
      );
      if (service === 0n) throw this.#fault("CreateServiceW", name);
      try {
        configureService(this.#win, this.#calls, service);
        registerEventSource(this.#win, this.#calls, tunnel);
      } catch (error) {
        this.#calls.DeleteService(service);
        throw error;
      } finally {
        this.#calls.CloseServiceHandle(service);
      }
    });
  }

  async start(tunnel: string): Promise<void> {
    await this.#withService(tunnel, SERVICE.SERVICE_START | SERVICE.SERVICE_QUERY_STATUS, async (service, name) => {
      if (this.#calls.StartServiceW(service, 0, 0n) === 0) throw this.#fault("StartServiceW", name);
      const state = await this.#leaves(service, name, SERVICE.SERVICE_START_PENDING);
      if (state !== SERVICE.SERVICE_RUNNING) throw startFailed(name);
    });
  }

  async stop(tunnel: string): Promise<void> {
    await this.#withService(tunnel, SERVICE.SERVICE_STOP | SERVICE.SERVICE_QUERY_STATUS, (service, name) =>
      this.#stop(service, name),
    );
  }

  async uninstall(tunnel: string): Promise<void> {
    await this.#withService(tunnel, SERVICE.SERVICE_ALL_ACCESS, async (service, name) => {
      if (this.#state(service, name) !== SERVICE.SERVICE_STOPPED) await this.#stop(service, name);
      if (this.#calls.DeleteService(service) === 0) throw this.#fault("DeleteService", name);
      removeEventSource(this.#win, this.#calls, tunnel);
    });
  }

  async #stop(service: bigint, name: string): Promise<void> {
    const status = this.#win.scratch.at(0);
    let waitedMs = 0;
    while (this.#calls.ControlService(service, SERVICE.SERVICE_CONTROL_STOP, status) === 0) {
      const error = this.#win.lastError;
      // While it was waited for: somebody else had asked it.
      if (error === ERROR.ERROR_SERVICE_NOT_ACTIVE && waitedMs > 0) return;
      if (!TAKES_NO_REQUEST_YET.includes(error) || waitedMs >= CHANGE_TIMEOUT_MS)
        throw this.#fault("ControlService", name);
      await delay(LOOK_AGAIN_MS);
      waitedMs += LOOK_AGAIN_MS;
    }
    // What it was before it has seen the request is no end of it either.
    const { SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING } = SERVICE;
    await this.#leaves(service, name, SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING);
  }

  /** Wait until it has another state than these. @returns that  @throws ServiceError where it keeps one */
  async #leaves(service: bigint, name: string, ...states: number[]): Promise<number> {
    const end = performance.now() + CHANGE_TIMEOUT_MS;
    for (;;) {
      const state = this.#state(service, name);
      if (!states.includes(state)) return state;
      if (performance.now() > end) {
        const fault = `has not changed its state within ${CHANGE_TIMEOUT_MS / 1000} s`;
        throw new ServiceError(name, fault, "See what it is at: sc query NAME");
      }
      await delay(LOOK_AGAIN_MS);
    }
  }

  #state(service: bigint, name: string): number {
    const { view, at } = this.#win.scratch;
    if (this.#calls.QueryServiceStatus(service, at(0)) === 0) throw this.#fault("QueryServiceStatus", name);
    return view.getUint32(SERVICE_STATUS.state, true);
  }

  #withManager<T>(access: number, use: (manager: bigint) => T): T {
    const manager = this.#calls.OpenSCManagerW(0n, 0n, access);
    if (manager === 0n) throw this.#fault("OpenSCManagerW", "");
    try {
      return use(manager);
    } finally {
      this.#calls.CloseServiceHandle(manager);
    }
  }

  async #withService<T>(
    tunnel: string,
    access: number,
    use: (service: bigint, name: string) => Promise<T>,
  ): Promise<T> {
    const name = serviceName(tunnel);
    const service = this.#withManager(SERVICE.SC_MANAGER_CONNECT, (manager) => {
      const handle = this.#calls.OpenServiceW(manager, this.#win.text(name), access);
      if (handle === 0n) throw this.#fault("OpenServiceW", name);
      return handle;
    });
    try {
      return await use(service, name);
    } finally {
      this.#calls.CloseServiceHandle(service);
    }
  }

  /** Of the call that has just failed. */
  #fault(call: string, name: string): Error {
    const error = new WindowsError(call, this.#win.lastError, name);
    if (error.number === ERROR.ERROR_ACCESS_DENIED) return new AdministratorError("manage services", error);
    const [fault, nextStep] = FAULTS[error.number] ?? [];
    return fault === undefined ? error : new ServiceError(name, fault, nextStep!, error);
  }
}

function startFailed(name: string): ServiceError {
  const step = `The log of events says why: Get-WinEvent -MaxEvents 5 -FilterHashtable @{LogName="Application"; ProviderName="${name}"}`;
  return new ServiceError(name, "did not start", step);
}
