/** Protocol and next-header numbers (IANA), sizes and limits of IP that more than one file needs. */
export const HOP_BY_HOP = 0;
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const ICMPV6 = 58;
export const DESTINATION_OPTIONS = 60;

export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
export const FRAGMENT_HEADER_BYTES = 8;
/** RFC 8200 §5: every link carries it. */
export const IPV6_MIN_MTU = 1280;
/** What Linux will not go below for IPv4 either (ip_rt_min_pmtu): RFC 791's 68 only helps attackers (RFC 5927 §7). */
export const IPV4_MIN_MTU = 552;
export const DATAGRAM_BYTES_MAX = 65_535;
/** What we send with (RFC 1700's default). */
export const HOP_LIMIT = 64;
