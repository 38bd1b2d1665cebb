/** Tunnels as services of the system: what it can do with one, and what one tells it. */
import type { ConfineOptions } from "../confine/linux.ts";
import type { DriverLibrary } from "./machine.ts";

/** Of administrators. Each is of one tunnel, and runs without anybody who is logged in. */
export interface Services {
  /**
   * To be started with the system; not yet now.
   * @returns what is to be warned of @throws ServiceError, AdministratorError, WindowsError, ConfinementError, WritableError and what else keeps one from starting
   */
  install(request: ServiceRequest): string[];
  /** Resolves once it runs. @throws the same */
  start(tunnel: string): Promise<void>;
  /** Resolves once it has ended. @throws the same */
  stop(tunnel: string): Promise<void>;
  /** Stopped first, if it runs. @throws the same */
  uninstall(tunnel: string): Promise<void>;
  /** This process was started as the service of a tunnel. @throws the same */
  enter(tunnel: string): Promise<RunningService>;
}

export interface ServiceRequest {
  readonly tunnel: string;
  /** What the daemon would give up; asked before there is a service that could never start. */
  readonly confinement: ConfineOptions | undefined;
  /** What the system is to start. */
  readonly program: string;
  readonly args: readonly string[];
  /** What it reads besides itself, and which of those hold secrets. */
  readonly driver: DriverLibrary | undefined;
  readonly secrets: readonly string[];
  /** Who may change all that, besides administrators: SIDs. */
  readonly writers: readonly string[];
}

/** For the log of a service, which has no console. */
export type ServiceEvent = "error" | "warning" | "information";

export interface RunningService {
  /** Aborted when the system asks the service to end, also while it starts; its reason is a text. */
  readonly signal: AbortSignal;
  /** It has started. */
  ready(): void;
  log(event: ServiceEvent, message: string): void;
  /** The last that it says of itself. */
  ended(outcome: "in order" | "failed"): void;
}
