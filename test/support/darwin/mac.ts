/** A Mac of the stand-in: its interfaces, addresses, files, and who listens to the route socket. */
import { ROUTE, UTUN } from "../../../host/ffi/darwin/constants.ts";
import { RT_MSGHDR } from "../../../host/ffi/darwin/layout.ts";
import { Failure } from "./errno.ts";
import type { Datagram, Network } from "./network.ts";
import type { RouteSocket } from "./route-socket.ts";
import type { UdpSocket } from "./udp-socket.ts";
import type { UnixListenerFile } from "./unix-sockets.ts";
import type { UtunSocket } from "./utun-socket.ts";

/** <net/if.h>: one with a larger number is none that a Mac has. */
const MTU_MAX = 65_535;

export interface Interface {
  readonly name: string;
  readonly index: number;
  up: boolean;
  mtu: number;
  readonly utun?: UtunSocket;
}

export interface MacOptions {
  /** Outside the tunnel. */
  readonly addresses: readonly string[];
  readonly user?: "root" | "other";
  /** Numbers of utun that others have. */
  readonly taken?: readonly number[];
}

export class Mac {
  readonly network: Network;
  readonly user: "root" | "other";
  readonly interfaces: Interface[] = [{ name: "en0", index: 4, up: true, mtu: 1500 }];
  readonly udpSockets = new Set<UdpSocket>();
  readonly routeSockets = new Set<RouteSocket>();
  /** By path; "other" is a file that is no socket. */
  readonly files = new Map<string, UnixListenerFile | "other">();
  readonly folders = new Set(["/", "/var", "/var/run"]);
  /** Files came or went, by folder: counts. */
  readonly changes = new Map<string, number>();
  /** Prefixes that lead into an interface: text that an address begins with, and its index; 0 for none. */
  readonly routes = new Map<string, number>();
  /** Whether answers to questions for routes find room, and what else is heard before them. */
  routeAnswers: "told" | "lost" | "after another's" = "told";
  lockableBytes = Number.POSITIVE_INFINITY;
  hasIpv6 = true;
  readonly taken: ReadonlySet<number>;
  #addresses: readonly string[];
  #inode = 0;
  readonly #inodes = new Map<UnixListenerFile | "other", number>();

  constructor(network: Network, { addresses, user = "root", taken = [] }: MacOptions) {
    this.network = network;
    this.user = user;
    this.#addresses = addresses;
    this.taken = new Set(taken);
    network.join(this);
  }

  hasAddress(address: string): boolean {
    return this.#addresses.includes(address);
  }

  /** That packets leave with unless somebody says otherwise. */
  sourceFor(family: 4 | 6): string {
    const address = this.#addresses.find((text) => text.includes(":") === (family === 6));
    if (address === undefined) throw new Failure("EHOSTUNREACH");
    return address;
  }

  /** As when a laptop is carried elsewhere. */
  move(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.tell(ROUTE.RTM_DELADDR, 4);
    this.tell(ROUTE.RTM_NEWADDR, 4);
  }

  arrive(datagram: Datagram): void {
    const family = datagram.to.address.includes(":") ? 6 : 4;
    for (const socket of this.udpSockets) {
      if (socket.family === family && socket.port === datagram.to.port) socket.arrive(datagram);
    }
  }

  // Interfaces.

  byName(name: string): Interface {
    const found = this.interfaces.find((one) => one.name === name);
    if (found === undefined) throw new Failure("ENXIO", name);
    return found;
  }

  /** @param unit as sockaddr_ctl has it: one more than the number, 0 for any */
  makeUtun(unit: number, utun: UtunSocket): Interface {
    const names = new Set(this.interfaces.map(({ name }) => name));
    const isTaken = (number: number): boolean => names.has(`utun${number}`) || this.taken.has(number);
    let number = unit - 1;
    if (unit === 0) for (number = 0; isTaken(number); number++);
    else if (isTaken(number)) throw new Failure("EBUSY");
    const index = Math.max(...this.interfaces.map((one) => one.index)) + 1;
    const made: Interface = { name: `utun${number}`, index, up: false, mtu: 1500, utun };
    this.interfaces.push(made);
    return made;
  }

  removeInterface({ index }: Interface): void {
    const at = this.interfaces.findIndex((one) => one.index === index);
    if (at >= 0) this.interfaces.splice(at, 1);
    this.tell(ROUTE.RTM_IFINFO, index);
  }

  /** As ifconfig(8) does. */
  configure(name: string, { up, mtu }: { up?: boolean; mtu?: number }): void {
    const one = this.byName(name);
    if (mtu !== undefined && !(mtu > 0 && mtu <= MTU_MAX)) throw new Failure("EINVAL", "MTU");
    one.up = up ?? one.up;
    one.mtu = mtu ?? one.mtu;
    this.tell(ROUTE.RTM_IFINFO, one.index);
  }

  /** The flags of SIOCGIFFLAGS. */
  flagsOf({ up }: Interface): number {
    const POINT_TO_POINT_AND_MULTICAST = 0x8010;
    return POINT_TO_POINT_AND_MULTICAST | (up ? UTUN.IFF_UP : 0);
  }

  /** To all who listen. */
  tell(type: number, index: number): void {
    const message = new DataView(new ArrayBuffer(RT_MSGHDR.BYTES));
    message.setUint16(RT_MSGHDR.length, RT_MSGHDR.BYTES, true);
    message.setUint8(RT_MSGHDR.version, ROUTE.RTM_VERSION);
    message.setUint8(RT_MSGHDR.type, type);
    message.setUint16(RT_MSGHDR.index, index, true);
    for (const socket of this.routeSockets) socket.hear(new Uint8Array(message.buffer));
  }

  // Files.

  addFile(path: string, file: UnixListenerFile | "other"): void {
    this.files.set(path, file);
    this.#inodes.set(file, ++this.#inode);
    this.#changed(path);
  }

  removeFile(path: string): void {
    if (!this.files.delete(path)) throw new Failure("ENOENT", path);
    this.#changed(path);
  }

  identityOf(path: string): `${bigint}:${bigint}` | undefined {
    const file = this.files.get(path);
    return file && `1:${BigInt(this.#inodes.get(file)!)}`;
  }

  #changed(path: string): void {
    const folder = path.slice(0, path.lastIndexOf("/"));
    this.changes.set(folder, (this.changes.get(folder) ?? 0) + 1);
  }
}
