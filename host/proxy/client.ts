/**
 * Who a client is, for limits and rights that must not be another's: an address, of IPv6 a network of 64 bits, which is what one customer
 * has at least; and of this machine itself the user, where the system tells him.
 */
import ipaddr from "ipaddr.js";
import { isLoopback } from "./local-name.ts";
import type { Target } from "./way.ts";

/** @returns ids of the users whose sockets at `local` hear from `remote`; empty if there is no such socket on this machine */
export type UsersOf = (protocol: "tcp" | "udp", local: Target, remote: Target) => readonly number[];

/** A connection of a client, as net.Socket tells it. */
export interface ClientSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** The same address, whether or not the socket is for both families. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Looked up once for each connection: it takes reading the tables of all sockets, and a connection stays its user's. */
const usersFound = new WeakMap<ClientSocket, { readonly user: number | undefined }>();

/** The user at the other end; undefined if that is another machine, or it cannot be told. */
export function userOf(socket: ClientSocket, users: UsersOf | undefined): number | undefined {
  const known = usersFound.get(socket);
  if (known !== undefined) return known.user;
  const user = findUser(socket, users);
  usersFound.set(socket, { user });
  return user;
}

function findUser(socket: ClientSocket, users: UsersOf | undefined): number | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (users === undefined || !remoteAddress || !localAddress) return undefined;
  const [far, near] = [plainAddress(remoteAddress), plainAddress(localAddress)];
  if (far !== near && !isLoopback(far)) return undefined;
  const found = users("tcp", { host: far, port: remotePort ?? 0 }, { host: near, port: localPort ?? 0 });
  return found.length === 1 ? found[0] : undefined;
}

export function clientOf(socket: ClientSocket, users: UsersOf | undefined): string {
  const user = userOf(socket, users);
  if (user !== undefined) return `user ${user}`;
  const address = plainAddress(socket.remoteAddress ?? "").replace(/%.*$/, "");
  return ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address).parts.slice(0, 4).join(":") : address;
}
