/** Linux as the daemon sees it: what is opened, and what is given up when all is. */

import type { Zones } from "../../address/endpoint-text.ts";
import type { ConfinementStatus, KeyMemory } from "../../confine/confinement-status.ts";
import { protectKeyMemory } from "../../confine/key-memory.ts";
import { confine } from "../../confine/linux.ts";
import { currentStatus } from "../../confine/none.ts";
import { SocketRemover } from "../../confine/socket-remover.ts";
import { findUser, isShared, SHARED_USER_WARNING } from "../../confine/user.ts";
import type { Core } from "../../core/core.ts";
import type { SystemError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import { type Libc, openLibc } from "../../ffi/libc.ts";
import type {
  ControlRequest,
  DaemonSystem,
  DeviceRequest,
  Log,
  Machine,
  RightsRequest,
  TunnelRequest,
} from "../machine.ts";
import { tellServiceManager } from "../service-manager.ts";
import type { UnixListener } from "../unix-socket.ts";
import { cpuFlags } from "./cpu-flags.ts";
import { DeletionWatch } from "./inotify.ts";
import { applyLinkSettings, applyLinkSettingsIfPossible } from "./link-settings.ts";
import { setNice } from "./priority.ts";
import { hasRoom } from "./stdio.ts";
import type { ThreadParts } from "./thread-parts.ts";
import { adoptTun, type LinuxTun } from "./tun.ts";
import { openQueues } from "./tun-queues.ts";
import { LinuxTunnel } from "./tunnel.ts";
import { keepUdpSockets } from "./udp-reserve.ts";
import { adoptUnix, listenUnix } from "./unix-socket.ts";
import { linuxZones } from "./zones.ts";

class LinuxMachine implements Machine {
  readonly zones: Zones;
  readonly keyMemory: KeyMemory;
  readonly #libc: Libc;
  #queues: readonly [LinuxTun, ...LinuxTun[]] | undefined;
  #listener: UnixListener | undefined;
  #watch: DeletionWatch | undefined;
  #leash: number | undefined;
  #remover: SocketRemover | undefined;

  constructor(core: Core, libc: Libc) {
    this.#libc = libc;
    this.zones = linuxZones(libc);
    this.keyMemory = protectKeyMemory(libc, core.at, (address) => core.peersBelow(address));
  }

  get backend(): string {
    return this.#libc.backend;
  }

  hasRoom(descriptor: number): boolean {
    return hasRoom(this.#libc, descriptor);
  }

  openDevice({ name, inherited, offloads, threads, log }: DeviceRequest): LinuxTun {
    const libc = this.#libc;
    const options = {
      vnetHeader: offloads.vnetHeader,
      tcpOffload: offloads.tunTcp,
      udpOffload: offloads.tunUdp,
    };
    if (inherited === undefined) {
      this.#queues = openQueues(libc, name, options, threads, log);
      applyLinkSettings(libc, this.#queues[0], log);
    } else {
      if (threads > 1) log("error", "an inherited TUN device has one queue: working with one thread");
      this.#queues = [adoptTun(libc, inherited, options)];
      applyLinkSettingsIfPossible(libc, this.#queues[0], log);
    }
    return this.#queues[0];
  }

  threadParts(): ThreadParts | undefined {
    const [, ...queues] = this.#opened;
    return queues.length === 0 ? undefined : { libc: this.#libc, queues };
  }

  get #opened(): readonly [LinuxTun, ...LinuxTun[]] {
    if (this.#queues === undefined) throw new Error("there is no device yet");
    return this.#queues;
  }

  listen({ path, inherited, leash, log }: ControlRequest): void {
    this.#listener = inherited === undefined ? listenUnix(this.#libc, path) : adoptUnix(this.#libc, inherited, path);
    this.#watch = new DeletionWatch(this.#libc, path);
    if (this.#watch.fd < 0) {
      log("verbose", `no inotify (${errnoName(-this.#watch.fd)}): looking once a second whether the socket is there`);
    }
    this.#leash = leash;
  }

  openTunnel(request: TunnelRequest): LinuxTunnel {
    const [tun] = this.#opened;
    const listener = this.#listener;
    if (listener === undefined) throw new Error("nobody listens yet");
    return new LinuxTunnel({ ...request, libc: this.#libc, tun, listener, watch: this.#watch, leash: this.#leash });
  }

  async giveUpRights({ confinement, files, threads, log }: RightsRequest): Promise<ConfinementStatus> {
    const libc = this.#libc;
    if (confinement === undefined) return currentStatus(libc, this.keyMemory);
    const user = findUser(confinement.user);
    if (isShared(user)) log("error", SHARED_USER_WARNING);
    this.#remover = startRemover(libc, files, log);
    keepUdpSockets(libc, threads);
    return confine(libc, user, confinement, this.keyMemory, (message) => log("error", message));
  }

  tellServiceManager(socket: number, lines: string): SystemError | undefined {
    return tellServiceManager(this.#libc, socket, lines);
  }

  hasAvx2(): boolean {
    return cpuFlags().has("avx2");
  }

  trim(): void {
    this.#libc.trimHeap();
  }

  async closeControl(): Promise<void> {
    this.#watch?.close();
    await this.#remover?.remove();
    this.#listener?.close();
  }

  close(): void {
    for (const queue of this.#queues ?? []) queue.close();
  }
}

function startRemover(libc: Libc, files: readonly string[], log: Log): SocketRemover | undefined {
  try {
    return new SocketRemover(libc, files, (message) => log("error", message));
  } catch (error) {
    log("error", `the socket will stay when the daemon ends: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

export const linux: DaemonSystem = {
  setPriority: setNice,
  open: async (core) => new LinuxMachine(core, await openLibc(core.memory)),
};
