/**
 * UDP ASSOCIATE (RFC 1928 §7): a local UDP port whose datagrams carry a header with their target. Only the client that asked for it
 * may use it: its address, the port that it has announced or first speaks from, and on this machine the user. Fragments are dropped, as
 * the RFC allows.
 */
import { createSocket, type Socket } from "node:dgram";
import { plainAddress } from "../client.ts";
import type { Context } from "../context.ts";
import type { Datagrams, Target } from "../way.ts";
import { formatAddress, parseAddress } from "./address.ts";

const HEADER_BYTES = 3;
/** Looking up whose a port is reads the tables of all sockets: no more than so many times for others' ports, until these are forgotten. */
const STRANGERS_MAX = 20;
const STRANGERS_MS = 1000;
const FRAGMENT = 2;

export interface Association {
  /** Where the client must send to. */
  readonly address: Target;
  close(): void;
}

export interface AssociateOptions {
  /** The address of our end of the client's TCP connection. */
  readonly local: string;
  /** Who may send. Port 0: whichever its first datagram comes from. */
  readonly client: Target;
  /** The client's user on this machine, whose the port must be; undefined where it cannot be told. */
  readonly user: number | undefined;
  active(): void;
}

export async function associate(context: Context, options: AssociateOptions): Promise<Association> {
  const { local, client, user, active } = options;
  const socket = createSocket(local.includes(":") ? "udp6" : "udp4");
  let { port } = client;
  let known = false;
  const strangers = new Set<number>();
  let strangersSince = -Infinity;
  let inside: Datagrams;
  try {
    await bind(socket, local);
    inside = await context.way.datagrams((payload, from) => {
      if (port === 0) return;
      active();
      const header = formatAddress(from);
      socket.send([new Uint8Array(HEADER_BYTES), header, payload], port, client.host, () => {});
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  const address = { host: local, port: socket.address().port };
  const isClients = (from: Target): boolean => {
    if (user === undefined) return true;
    const now = performance.now();
    if (now - strangersSince >= STRANGERS_MS) {
      strangers.clear();
      strangersSince = now;
    }
    if (strangers.has(from.port) || strangers.size >= STRANGERS_MAX) return false;
    const users = context.users?.("udp", from, address) ?? [];
    const isTheirs = users.length > 0 && users.every((each) => each === user);
    if (!isTheirs) strangers.add(from.port);
    return isTheirs;
  };
  socket.on("message", (message, from) => {
    if (plainAddress(from.address) !== client.host || (port !== 0 && from.port !== port)) return;
    if (message[0] !== 0 || message[1] !== 0 || message[FRAGMENT] !== 0) return;
    const parsed = parseAddress(message, HEADER_BYTES);
    if (parsed === undefined) return;
    known ||= isClients({ host: client.host, port: from.port });
    if (!known) return;
    port = from.port;
    active();
    inside.send(message.subarray(parsed.end), parsed.target);
  });
  return {
    address,
    close: () => {
      socket.close();
      inside.close();
    },
  };
}

function bind(socket: Socket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address, port: 0, exclusive: true }, () => {
      socket.off("error", reject);
      // What ICMP says of a client that does not listen is no reason to end.
      socket.on("error", () => {});
      resolve();
    });
  });
}
