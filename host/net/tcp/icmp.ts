/**
 * ICMP errors about segments of ours. Anyone can make them up, so they count only when they quote what is in flight (RFC 5927 §4.1), they
 * end no connection that was made (RFC 5461), and a smaller path is believed only when such a large packet was sent (§7.2).
 */
import type { IcmpError } from "../transport.ts";
import type { Connection } from "./connection.ts";
import type { TcpFailure } from "./face.ts";
import { positionOf } from "./sequence.ts";
import type { Tcp } from "./tcp.ts";

/** Smallest path that is believed (RFC 8200; RFC 791 would allow 68, which is only good for attacks). */
const MTU_MIN = { 4: 552, 6: 1280 } as const;

const FAILURES: Partial<Record<IcmpError["kind"], TcpFailure>> = {
  network: "ENETUNREACH",
  host: "EHOSTUNREACH",
  protocol: "ECONNREFUSED",
  port: "ECONNREFUSED",
  prohibited: "EACCES",
  "hop-limit": "EHOSTUNREACH",
};

export function takeIcmp(tcp: Tcp, error: IcmpError): void {
  const { view, start, end, local, remote } = error;
  if (end - start < 8) return tcp.context.counters.add("tcpIcmp");
  const entry = tcp.table.get(local, view.getUint16(start), remote, view.getUint16(start + 2));
  if (entry?.kind !== "connection") return tcp.context.counters.add("tcpIcmp");
  const c = entry as Connection;
  const position = positionOf(view.getInt32(start + 4), c.iss, c.una);
  if (position < c.una || position >= c.nxt) return tcp.context.counters.add("tcpIcmp");
  if (error.kind === "too-big") return tooBig(c, error.mtu);
  const failure = FAILURES[error.kind];
  if (failure === undefined) return;
  if (c.state === "SYN-SENT") return tcp.fail(c, failure);
  c.softFailure = failure;
}

/** RFC 1191 §6.3, RFC 8201 §4: what was too big is sent again at once, in smaller pieces; the path is not congested. */
function tooBig(c: Connection, told: number): void {
  const { ip, counters } = c.tcp.context;
  const sent = c.packetBytes(c.segment);
  const mtu = Math.max(told, MTU_MIN[c.remote.family]);
  if (mtu >= sent) return counters.add("tcpIcmp");
  ip.lowerMtu(c.remote, mtu);
  c.measureSegment();
  c.scoreboard.markAllLost();
  c.tcp.touch(c);
}
