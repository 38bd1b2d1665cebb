/**
 * UDP ASSOCIATE (RFC 1928 §7): a local UDP port whose datagrams carry a header with their target. Only the client that asked for it
 * may use it: its address, and once it has spoken its port. Fragments are dropped, as the RFC allows.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Context } from "../context.ts";
import type { Datagrams, Target } from "../way.ts";
import { formatAddress, parseAddress } from "./address.ts";

const HEADER_BYTES = 3;
const FRAGMENT = 2;

export interface Association {
  /** Where the client must send to. */
  readonly address: Target;
  close(): void;
}

export interface AssociateOptions {
  /** Our end of the client's TCP connection; the port is chosen. */
  readonly local: Target;
  /** Who may send. Port 0: whichever its first datagram comes from. */
  readonly client: Target;
  active(): void;
}

/** The same address, whether or not the socket is for both families. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

export async function associate(context: Context, { local, client, active }: AssociateOptions): Promise<Association> {
  const host = plain(local.host);
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  let port = client.port;
  let inside: Datagrams;
  try {
    await bind(socket, host);
    inside = await context.way.datagrams((payload, from) => {
      if (port === 0) return;
      active();
      const header = formatAddress(from);
      socket.send([new Uint8Array(HEADER_BYTES), header, payload], port, plain(client.host), () => {});
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on("message", (message, from) => {
    if (plain(from.address) !== plain(client.host) || (port !== 0 && from.port !== port)) return;
    if (message[0] !== 0 || message[1] !== 0 || message[FRAGMENT] !== 0) return;
    const parsed = parseAddress(message, HEADER_BYTES);
    if (parsed === undefined) return;
    port = from.port;
    active();
    inside.send(message.subarray(parsed.end), parsed.target);
  });
  return {
    address: { host, port: socket.address().port },
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
