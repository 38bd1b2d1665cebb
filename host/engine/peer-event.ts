/** What happens between us and a peer that its owner may want to know. Told while the engine is at work: take note, and act later. */
export type PeerEvent =
  /** An initiation was sent; without an endpoint, it would have been. */
  | "handshake started"
  /** A session was agreed on. */
  | "handshake"
  /** No answer for REKEY_ATTEMPT_TIME: given up, until there is something to send again. */
  | "handshake failed"
  /** What was sent has not been answered for KEEPALIVE_TIMEOUT + REKEY_TIMEOUT. */
  | "silent"
  /** Something authenticated came from a peer that was silent, or did not answer handshakes. */
  | "back";
