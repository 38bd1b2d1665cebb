/**
 * What a daemon asks of the system that it runs on: a Machine opens what carries packets and gives up rights, its TunnelPorts are the loop's
 * ends while it runs. Each system is a folder beside this file with a Machine of its own; systems.ts knows them by name. What the daemon does
 * beyond these two interfaces it does alike everywhere.
 */
import type { Zones } from "../address/endpoint-text.ts";
import type { ConfinementStatus, KeyMemory } from "../confine/confinement-status.ts";
import type { ConfineOptions } from "../confine/linux.ts";
import type { Core } from "../core/core.ts";
import type { Engine } from "../engine/engine.ts";
import type { Peer } from "../engine/peer.ts";
import type { Inside, Outside } from "../lane/ports.ts";
import type { Statistic } from "../metrics/statistics.ts";
import type { Instant } from "../time/instant.ts";
import type { ThreadParts } from "./linux/thread-parts.ts";
import type { Services } from "./services.ts";

export type Log = (level: "error" | "verbose", message: string) => void;

/** What the system may be asked to take and give in bulk; each is used if it can. */
export interface Offloads {
  /** At the TUN device: reads and writes with a vnet header, without which there are no superpackets. */
  readonly vnetHeader: boolean;
  /** TCP superpackets at the TUN device. */
  readonly tunTcp: boolean;
  /** UDP superpackets at the TUN device (Linux ≥ 6.2). */
  readonly tunUdp: boolean;
  /** Trains of datagrams out (UDP_SEGMENT). */
  readonly segmentation: boolean;
  /** Trains of datagrams in (UDP_GRO). */
  readonly coalescing: boolean;
}

/** A system that has a daemon. */
export interface DaemonSystem {
  /** Give this process a scheduling priority, as of nice(1). @returns whether the system agreed */
  setPriority(nice: number): boolean;
  /** Tunnels as services, where they are the daemon's own business. */
  services?(): Promise<Services>;
  /** For one device, whose core has its final memory. Keys are kept out of swap and dumps from here on. @throws FfiUnavailableError */
  open(core: Core): Promise<Machine>;
}

export interface DriverLibrary {
  /** Without it, one beside the program. */
  readonly file?: string | undefined;
  /** What becomes of one that nobody has signed. */
  readonly unsigned: "refused" | "taken";
}

export interface DeviceRequest {
  readonly name: string;
  /** An open device that another program made; without it one is created. */
  readonly inherited?: number | undefined;
  /** Where the system may give the device another name: a file that it is written to. */
  readonly nameFile?: string | undefined;
  /** The driver's library, where it is not the system's own. */
  readonly driver?: DriverLibrary | undefined;
  readonly offloads: Offloads;
  /** Threads that are to carry packets. Fewer do where the device has fewer queues. */
  readonly threads: number;
  readonly log: Log;
}

/** The tunnel's interface, as the system has it. */
export interface TunDevice {
  /** The present one: interfaces are renamed. */
  readonly name: string;
  /** Whether reads and writes start with a vnet header. */
  readonly vnetHeader: boolean;
  readonly tcpOffload: boolean;
  readonly udpOffload: boolean;
}

/** How a tunnel is configured: a socket, and what ends the daemon besides. */
export interface ControlRequest {
  /** Of the socket. */
  readonly path: string;
  /** A listening socket that another program made; without it one is. */
  readonly inherited?: number | undefined;
  /** A pipe: once its other end is closed the daemon ends, as by a signal. */
  readonly leash?: number | undefined;
  readonly log: Log;
}

export interface RightsRequest {
  /** Undefined: no more is given up than every daemon on the system does without. */
  readonly confinement: ConfineOptions | undefined;
  /** Files that are to go when the daemon ends, which may remove nothing by then. */
  readonly files: readonly string[];
  readonly threads: number;
  readonly log: Log;
}

/** Opened in this order: device, control, tunnel; then rights are given up. */
export interface Machine {
  /** For the log: how the system is called. */
  readonly backend: string;
  readonly keyMemory: KeyMemory;
  readonly zones: Zones;
  /** Whether a write of a line would be taken at once, or fail at once. */
  hasRoom(descriptor: number): boolean;
  /** @throws TunNameError, TunPermissionError, TunMissingError, TunBusyError, SystemError */
  openDevice(request: DeviceRequest): TunDevice;
  /** What further threads need; undefined where one thread carries all. */
  threadParts(): ThreadParts | undefined;
  /** @throws SocketInUseError, SocketPathError, SocketDirectoryError, SystemError */
  listen(request: ControlRequest): void;
  openTunnel(request: TunnelRequest): TunnelPorts;
  /** The point from which on nothing new is opened but UDP sockets. @throws ConfinementError, UserUnknownError */
  giveUpRights(request: RightsRequest): Promise<ConfinementStatus>;
  /** Where a daemon may be a service: tell whoever manages it. @param socket that leads there @returns why it was not told, if so */
  tellServiceManager?(socket: number, lines: string): Error | undefined;
  /** Whether the processor has vectors of 256 bits for whole numbers (x86). */
  hasAvx2(): boolean;
  /** Give the system back what only the start needed. */
  trim(): void;
  /** Stop listening, and remove the socket. Never throws. */
  closeControl(): Promise<void>;
  /** The interface goes with it. */
  close(): void;
}

/** Further threads, as the tunnel's sockets and waits see them. */
export interface Companions {
  /** Readable when one has something that cannot wait. */
  readonly wakeFd: number;
  woken(): void;
  /** These are about to be used: bind others to the same port. What it throws keeps those before in use. */
  openSockets(sockets: BoundSockets, mark: number): void;
  closeSockets(): void;
  setMark(mark: number): void;
}

/** Bound to one port in every family that the machine has. */
export interface BoundSockets {
  /** −1 for none, as v6. */
  readonly v4: number;
  readonly v6: number;
  readonly port: number;
}

export interface TunnelRequest {
  readonly core: Core;
  readonly udp: { readonly segmentation?: boolean; readonly coalescing?: boolean };
  readonly companions?: Companions | undefined;
  readonly events: TunnelEvents;
  readonly log: Log;
}

export interface TunnelEvents {
  /** The interface. */
  cameUp(): void;
  wentDown(): void;
  mtu(bytes: number): void;
  /** Why there is no more to carry. */
  ended(reason: string): void;
  /** The device refused a superpacket, which is lost, as on any network. @param errno positive */
  mergeRefused(errno: number): void;
  /** The sockets are others; port 0 when there are none. */
  portChanged(port: number): void;
  /** Somebody is about to read or change the configuration. */
  configuring(connection: "new" | "old"): void;
}

/** Where packets come from, in the order of urgency; all else waits behind the last one. */
export const PLACE = { tun: 0, udp4: 1, udp6: 2, others: 3 } as const;

/** Waits for packets and for everything else. */
export interface Waiting {
  /** Block until something is ready. @param timeoutMs rounded up @returns how many are ready; 0 after the timeout or a signal */
  wait(timeoutMs: number): number;
  /** As wait, but to the microsecond where the system can, and for less than a second. */
  waitBriefly(timeoutMs: number): number;
  /** Sleep whatever is ready, for less than a second, or until a signal. Undefined where a sleep takes a millisecond or more. */
  pause?(timeoutMs: number): void;
  /** After a wait that found some: whether there is something to read, or an error to be told by reading. */
  ready(place: number): boolean;
}

/** A lane's two ends, and what the loop looks after beside packets. */
export interface TunnelPorts {
  /** Machine address of linear memory. */
  readonly base: bigint;
  readonly device: TunDevice;
  /** `written`: batches so far. */
  readonly inside: Inside & { readonly written: number };
  readonly outside: Outside;
  readonly waiting: Waiting;
  /** A clock that counts sleep, in milliseconds; undefined where there is none. */
  readonly uptime: (() => number) | undefined;
  /** Fill a view of linear memory with random bytes of the system. */
  fillRandom(into: Uint8Array): void;
  /** Leave the core to whoever waits for it. */
  readonly yieldCore: () => void;
  /** The engine is there: clients may configure it. */
  serve(engine: Engine, statistics: () => Iterable<Statistic>): void;
  /** What is ready besides packets. */
  serveOthers(): void;
  /** Open the UDP sockets. @returns false when there are none, which is logged: call again after a while */
  startSockets(): boolean;
  stopSockets(): void;
  /** Ask the device itself whether it is up. */
  probe(): void;
  /** Every second or so: what nothing tells of. */
  heartbeat(now: Instant): void;
  /** When to call `advance`. */
  nextDeadline(): Instant;
  advance(now: Instant): void;
  /** A peer's path is new. */
  pathLearnt(peer: Peer): void;
  /** Whether a peer may be answered where its message came from, at an address of its own inside the tunnel. */
  mayFollow(path: number): boolean;
  /** Steps to take at the end, each whatever becomes of the others. */
  closing(): readonly (() => void)[];
}
