/** What the stack counts: packets, bytes, and why something was dropped. Dropping is silent but for this. */

const NET_COUNTERS = [
  // ── traffic
  "packetsIn",
  "packetsOut",
  "bytesIn",
  "bytesOut",
  // ── dropped by IP
  "ipTruncated",
  "ipHeader",
  "ipChecksum",
  "ipAddress",
  "ipNotOurs",
  "ipFragment",
  "ipReassembly",
  "ipProtocol",
  "ipTooBig",
  "ipNoRoute",
  // ── dropped by ICMP
  "icmpMalformed",
  "icmpChecksum",
  "icmpRate",
  "icmpUnknown",
  // ── dropped by UDP
  "udpMalformed",
  "udpChecksum",
  "udpNoSocket",
  "udpQueue",
  // ── DNS
  "dnsQueries",
  "dnsTimeouts",
  "dnsIgnored",
  // ── dropped by TCP
  "tcpMalformed",
  "tcpChecksum",
  "tcpOptions",
  "tcpNoConnection",
  "tcpWindow",
  "tcpAcknowledgement",
  "tcpPaws",
  "tcpBlind",
  "tcpBacklog",
  "tcpCookie",
  "tcpMemory",
  "tcpIcmp",
  // ── what TCP did
  "tcpActiveOpens",
  "tcpPassiveOpens",
  "tcpSegmentsIn",
  "tcpSegmentsOut",
  "tcpRetransmits",
  "tcpTimeouts",
  "tcpChallengeAcks",
  "tcpCookiesSent",
  "tcpResetsIn",
  "tcpResetsOut",
] as const;

export type NetCounter = (typeof NET_COUNTERS)[number];

const INDEX = Object.fromEntries(NET_COUNTERS.map((name, index) => [name, index])) as Record<NetCounter, number>;

export class NetCounters {
  readonly #values = new Float64Array(NET_COUNTERS.length);

  add(counter: NetCounter, count = 1): void {
    this.#values[INDEX[counter]]! += count;
  }

  read(counter: NetCounter): number {
    return this.#values[INDEX[counter]]!;
  }

  all(): Record<NetCounter, number> {
    return Object.fromEntries(NET_COUNTERS.map((name) => [name, this.read(name)])) as Record<NetCounter, number>;
  }
}
