/** Numbers of TCP: the standards' first, then ours. Times in milliseconds. */

// Flags (RFC 9293 §3.1, RFC 3168 §6.1).
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const CWR = 0x80;

export const HEADER_BYTES = 20;
export const CHECKSUM_OFFSET = 16;

/** Where the peer names none (RFC 9293 §3.7.1), for IPv4 and IPv6. */
export const DEFAULT_MSS_IPV4 = 536;
export const DEFAULT_MSS_IPV6 = 1220;
/** A peer that asks for less gets this: smaller segments only cost (as kernels do). */
export const MSS_MIN = 88;
/** RFC 6928. */
export const INITIAL_WINDOW_SEGMENTS = 10;

/** RFC 6298 §2, but a lower bound as kernels use it, and never below the peer's delayed acknowledgement. */
export const RTO_INITIAL = 1000;
export const RTO_MIN = 200;
export const RTO_MAX = 120_000;
/** RFC 9293 §3.8.3: retransmissions of a SYN, and of data, before the connection is given up. */
export const SYN_RETRIES = 6;
export const DATA_RETRIES = 15;
/** Of a connection that its user has closed already: nobody waits for it. */
export const ORPHAN_RETRIES = 7;
export const CONNECT_TIMEOUT = 60_000;

/** RFC 9293 §3.4.2 says twice two minutes; systems keep one minute, and so do we. */
export const TIME_WAIT = 60_000;
/** A closed connection whose peer acknowledged the end and never ends itself. */
export const FIN_WAIT_2 = 60_000;

/** RFC 9293 §3.8.6.3: at most 500 ms. */
export const DELAYED_ACK = 40;
/** Segments at the beginning that are acknowledged at once, for the peer's slow start. */
export const QUICK_ACKS = 16;

export const WINDOW_SCALE_MAX = 14;
/** What we announce: 2^8 × 65535 is 16 MiB. */
export const WINDOW_SCALE = 8;
/** Receive window at the beginning, and the most that buffers of either direction grow to. */
export const WINDOW_INITIAL = 128 << 10;
export const BUFFER_MAX = 8 << 20;
/** What a send buffer holds at least. */
export const SEND_BUFFER_MIN = 64 << 10;

/** RFC 5961 §7 asks for a limit: challenge acknowledgements of one connection, and of all, within one second. */
export const CHALLENGES_EACH = 2;
export const CHALLENGES_ALL = 1000;

/** RFC 7323 §5.5: a timestamp this old says nothing any more. */
export const PAWS_IDLE = 24 * 86_400_000;
