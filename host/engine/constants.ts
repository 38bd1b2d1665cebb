/** Times of the protocol in milliseconds (WireGuard paper §6.1; the kernel's messages.h and timers.c), and our limits. */
export const REKEY_TIMEOUT = 5_000;
export const KEEPALIVE_TIMEOUT = 10_000;
export const REJECT_AFTER_TIME = 180_000;
/** Key material is erased this long after the last new session: three lifetimes. */
export const ERASE_AFTER = 3 * REJECT_AFTER_TIME;
/** A retransmission or a new handshake is put off by up to this much, at random. */
export const JITTER = 333;
/** After two initiations have crossed, the next waits up to this much longer: the ends must not start together again. */
export const CROSSING_SPREAD = 1_000;
/** REKEY_ATTEMPT_TIME / REKEY_TIMEOUT: 90 s of trying. */
export const MAX_HANDSHAKE_ATTEMPTS = 18;

/** Packets kept for a peer that has no session yet; the oldest goes first. */
export const STAGED_PACKETS = 128;
/** All staged packets of a device together. */
export const STAGED_BYTES = 4 << 20;
/** A peer may take this part of them. */
export const STAGED_SHARES = 16;

/** Waiting handshake messages from which on cookies are asked for: an eighth of the queue, as in the kernel. */
export const UNDER_LOAD_QUEUED = 512;
export const UNDER_LOAD_LASTS = 1_000;
/** Handshake messages answered, and refused, before packets get their turn again: some 3 ms at the most. */
export const HANDSHAKES_PER_TURN = 16;
export const REFUSALS_PER_TURN = 256;
