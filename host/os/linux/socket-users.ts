/** Whose sockets they are: from /proc/net, which tells it to everybody, of all sockets of the network namespace (proc_net(5)). */
import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import ipaddr from "ipaddr.js";

interface Place {
  /** An address. */
  readonly host: string;
  readonly port: number;
}

const WORD_BYTES = 4;
const NO_PORT = "0000";
/** Of a row, split at white space. */
const COLUMN = { local: 1, remote: 2, user: 7, inode: 9 } as const;

/** Words as the kernel keeps them, printed as numbers of this machine. */
function printed(bytes: readonly number[]): string {
  const buffer = Buffer.from(bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += WORD_BYTES) {
    const word = endianness() === "LE" ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at);
    text += word
      .toString(16)
      .toUpperCase()
      .padStart(2 * WORD_BYTES, "0");
  }
  return text;
}

/** The place as the tables of both families write it. */
function writings({ host, port }: Place): ReadonlySet<string> {
  const address = ipaddr.process(host);
  const addresses = address instanceof ipaddr.IPv4 ? [address, address.toIPv4MappedAddress()] : [address];
  const number = port.toString(16).toUpperCase().padStart(NO_PORT.length, "0");
  return new Set(addresses.map((each) => `${printed(each.toByteArray())}:${number}`));
}

function rowsOf(protocol: "tcp" | "udp"): string[] {
  return ["", "6"].flatMap((family) => {
    try {
      return readFileSync(`/proc/net/${protocol}${family}`, "latin1").split("\n").slice(1);
    } catch {
      // A kernel without that family.
      return [];
    }
  });
}

/**
 * The users whose sockets at `local` hear from `remote`: of TCP connected ones, of UDP those too that hear from everybody.
 * @returns user ids; empty if there is no such socket on this machine
 */
export function socketUsers(protocol: "tcp" | "udp", local: Place, remote: Place): number[] {
  const [here, there] = [writings(local), writings(remote)];
  const [port] = [...here].map((text) => text.slice(text.indexOf(":")));
  const matches = (column: string, places: ReadonlySet<string>, any: string): boolean =>
    places.has(column) || (protocol === "udp" && /^0+$/.test(column.slice(0, -any.length)) && column.endsWith(any));
  const users = new Set<number>();
  for (const row of rowsOf(protocol)) {
    if (!row.includes(port!)) continue;
    const columns = row.trim().split(/\s+/);
    // Nobody has it any more: it waits for its end, and belongs to root in name only.
    if (columns[COLUMN.inode] === "0") continue;
    if (!matches(columns[COLUMN.local]!, here, port!) || !matches(columns[COLUMN.remote]!, there, `:${NO_PORT}`))
      continue;
    users.add(Number(columns[COLUMN.user]));
  }
  return [...users];
}
