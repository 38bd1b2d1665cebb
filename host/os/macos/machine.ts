/** macOS as the daemon sees it. Nobody has run it there: it is made by Apple's headers and documents, and runs against a stand-in in tests. */
import { writeFileSync } from "node:fs";
import type { Zones } from "../../address/endpoint-text.ts";
import type { ConfinementStatus, KeyMemory } from "../../confine/confinement-status.ts";
import type { Core } from "../../core/core.ts";
import { SYSTEM } from "../../ffi/darwin/constants.ts";
import { type DarwinLibc, openDarwinLibc } from "../../ffi/darwin/libc.ts";
import type {
  ControlRequest,
  DaemonSystem,
  DeviceRequest,
  Machine,
  RightsRequest,
  TunnelPorts,
  TunnelRequest,
} from "../machine.ts";
import { setProcessPriority } from "../priority.ts";
import { unconfined } from "../unconfined.ts";
import type { UnixListener } from "../unix-socket.ts";
import { protectKeyMemory } from "./key-memory.ts";
import { type FileIdentity, identityOf, SocketWatch } from "./socket-watch.ts";
import { DarwinTunnel } from "./tunnel.ts";
import { adoptUnix, isReady, listenUnix } from "./unix.ts";
import { adoptUtun, openUtun, type Utun } from "./utun.ts";
import { darwinZones } from "./zones.ts";

export class DarwinMachine implements Machine {
  readonly zones: Zones;
  readonly keyMemory: KeyMemory;
  readonly #libc: DarwinLibc;
  readonly #identityOf: FileIdentity;
  #utun: Utun | undefined;
  #control: { listener: UnixListener; watch: SocketWatch; leash: number | undefined } | undefined;

  constructor(core: Core, libc: DarwinLibc, identity: FileIdentity = identityOf) {
    this.#libc = libc;
    this.#identityOf = identity;
    this.zones = darwinZones(libc);
    this.keyMemory = protectKeyMemory(libc, core.at, (address) => core.peersBelow(address));
  }

  get backend(): string {
    return this.#libc.backend;
  }

  hasRoom(descriptor: number): boolean {
    return isReady(this.#libc, descriptor, SYSTEM.POLLOUT);
  }

  openDevice({ name, inherited, nameFile, threads, log }: DeviceRequest): Utun {
    if (threads > 1) log("error", "a utun device has one queue: working with one thread");
    this.#utun = inherited === undefined ? openUtun(this.#libc, name) : adoptUtun(this.#libc, inherited);
    if (nameFile !== undefined) writeFileSync(nameFile, `${this.#utun.name}\n`, { mode: 0o400 });
    return this.#utun;
  }

  threadParts(): undefined {
    return undefined;
  }

  listen({ path, inherited, leash }: ControlRequest): void {
    const libc = this.#libc;
    const listener = inherited === undefined ? listenUnix(libc, path) : adoptUnix(libc, inherited, path);
    try {
      this.#control = { listener, watch: new SocketWatch(libc, path, this.#identityOf), leash };
    } catch (error) {
      listener.close();
      throw error;
    }
  }

  openTunnel(request: TunnelRequest): TunnelPorts {
    if (this.#utun === undefined || this.#control === undefined)
      throw new Error("there is no device, or nobody listens");
    return new DarwinTunnel({ ...request, ...this.#control, libc: this.#libc, utun: this.#utun });
  }

  async giveUpRights(request: RightsRequest): Promise<ConfinementStatus> {
    return unconfined({ name: "macOS", taken: [] }, request, this.keyMemory);
  }

  hasAvx2(): boolean {
    return false;
  }

  /** Its allocator does so by itself. */
  trim(): void {}

  async closeControl(): Promise<void> {
    this.#control?.watch.close();
    this.#control?.listener.close();
  }

  close(): void {
    this.#utun?.close();
  }
}

export const macos: DaemonSystem = {
  setPriority: setProcessPriority,
  open: async (core) => new DarwinMachine(core, await openDarwinLibc(core.memory)),
};
