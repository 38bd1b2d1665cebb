/**
 * Steps of the protocol that only a verbose log wants to hear of, beside the events of peer-event.ts. None is on the way of packets
 * with data, and all cost a look at a property while nobody listens.
 */
import type { Address } from "../core/core.ts";
import type { Peer } from "./peer.ts";

export type PeerStep =
  | "initiation sent"
  /** Once more, for the one before had no answer. */
  | "initiation sent again"
  | "initiation received"
  | "response sent"
  | "response received"
  /** With the next initiation the peer will get the cookie it asked for. */
  | "cookie received"
  | "keepalive sent"
  | "keepalive received"
  /** The session's keys are used from now on; those before them are still good for what is on its way. */
  | "keys in use"
  /** No new ones for REJECT_AFTER_TIME × 3. */
  | "keys erased"
  /** Nothing came for what was sent: a handshake begins. */
  | "no answer";

export interface StepEvents {
  step?(peer: Peer, step: PeerStep): void;
  /** A handshake message was refused. @param reason its DROP_… @param path where it came along */
  refused?(reason: number, path: Address): void;
  /** Under load: the sender has to show first that it can receive. @param path where its message came along */
  challenged?(path: Address): void;
}
