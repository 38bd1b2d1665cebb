/** What the event driver is between, and whom it tells. */
import type { Core } from "../core/core.ts";
import type { Peer } from "../engine/peer.ts";
import type { PeerEvent } from "../engine/peer-event.ts";
import type { Bind } from "./bind.ts";
import type { DirectBind } from "./direct-bind.ts";
import type { Tun } from "./tun.ts";

export interface EventDriverOptions {
  readonly core: Core;
  readonly tun: Tun;
  readonly bind: Bind | DirectBind;
  /** 1420 when undefined. */
  readonly mtu: number | undefined;
  /** Told while the engine is at work: take note only. */
  told(peer: Peer, event: PeerEvent | "endpoint"): void;
  failed(part: "tun" | "bind", cause: unknown): void;
  /** The Bind lost what it listens on, or has it again. */
  socket(state: "lost" | "found", cause: unknown): void;
}

/** A datagram that could not be sent, lately. */
export interface SendFailure {
  readonly at: number;
  readonly cause: unknown;
}
