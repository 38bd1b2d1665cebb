// Constants of the protocol (WireGuard paper §6.1 and the kernel where it is stricter), then ours.
// Times are milliseconds, as the host tells the time.

export const REKEY_AFTER_MESSAGES: u64 = (<u64>1) << 60;
/** The kernel's limit on 64-bit machines: 2^64 − 1 − the replay window − 1. */
export const REJECT_AFTER_MESSAGES: u64 = u64.MAX_VALUE - 8128 - 1;
export const REKEY_AFTER_TIME: f64 = 120_000;
export const REJECT_AFTER_TIME: f64 = 180_000;
/** An initiator that still receives rekeys this early: REJECT − KEEPALIVE − REKEY timeouts. */
export const REKEY_WHEN_RECEIVING: f64 = 165_000;
/** Initiations of one peer closer than this are a flood (kernel: 50 a second). */
export const INITIATION_SPACING: f64 = 20;
export const COOKIE_SECRET_LIFE: f64 = 120_000;
/** A received cookie is used a little shorter than its secret lives (kernel: 115 s). */
export const COOKIE_USE: f64 = 115_000;

// Ours.
/** Peers that have tables of their keys' multiples at the most: 31 MB of address space where multiply-add is fused, 75 MB elsewhere. */
export const COMB_SLOTS: u32 = 16_384;
export const GATHER_ENTRIES: u32 = 1024;
export const WRITES: u32 = 576;
/** Peers with events between two looks of the host: one for each datagram of a receive call, and some. */
export const TOUCHED: u32 = 1024;
export const HANDSHAKE_QUEUE: u32 = 4096; // as the kernel's
export const UAPI_SESSIONS: u32 = 8;
export const UAPI_AREA_BYTES: u32 = 65536; // one input and one output area each
/** Messages that threads may share at a time: more than a receive call finds, but for tiny ones. */
export const FORK_JOBS: u32 = 640;
/** Those that are taken together: some 8 microseconds of full ones, so that who is interrupted holds little up. */
export const FORK_BLOCK: u32 = 8;
