/**
 * What a device can tell of itself in numbers, for people and for monitoring: every counter and gauge with its name,
 * help and labels. Names follow the conventions of Prometheus (unit last, `_total` for what only grows).
 */
import type { Engine } from "../engine/engine.ts";
import type { Peer } from "../engine/peer.ts";

export interface Statistic {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: bigint | number;
}

/** A number without labels. */
export function single(name: string, type: Statistic["type"], help: string, value: bigint | number): Statistic {
  return { name, type, help, samples: [{ labels: {}, value }] };
}

/** Public keys are shown as `wg` shows them. */
function publicKeyText(engine: Engine, peer: Peer): string {
  const key = engine.core.bytes.subarray(peer.publicKey, peer.publicKey + 32);
  return btoa(String.fromCharCode(...key));
}

function perPeer(
  engine: Engine,
  name: string,
  type: Statistic["type"],
  help: string,
  value: (peer: Peer) => bigint | number,
): Statistic {
  const samples = Array.from(engine.peers(), (peer) => ({
    labels: { public_key: publicKeyText(engine, peer) },
    value: value(peer),
  }));
  return { name, type, help, samples };
}

export function* deviceStatistics(engine: Engine): Generator<Statistic, void> {
  yield single("wasmguard_peers", "gauge", "Peers configured.", [...engine.peers()].length);
  yield perPeer(
    engine,
    "wasmguard_received_bytes_total",
    "counter",
    "Bytes of authenticated messages received.",
    (peer) => peer.rxBytes(),
  );
  yield perPeer(engine, "wasmguard_sent_bytes_total", "counter", "Bytes of UDP payload sent.", (peer) =>
    peer.txBytes(),
  );
  yield perPeer(
    engine,
    "wasmguard_latest_handshake_seconds",
    "gauge",
    "When the latest handshake was complete, since the Unix epoch; 0 before the first.",
    (peer) => peer.lastHandshake().seconds,
  );
  const { counters } = engine;
  yield {
    name: "wasmguard_handshake_messages_total",
    type: "counter",
    help: "Handshake messages sent, and those received that were accepted.",
    samples: [
      { labels: { direction: "sent", message: "initiation" }, value: counters.initiationsSent },
      { labels: { direction: "sent", message: "response" }, value: counters.responsesSent },
      { labels: { direction: "sent", message: "cookie_reply" }, value: counters.cookieRepliesSent },
      { labels: { direction: "received", message: "initiation" }, value: counters.initiationsReceived },
      { labels: { direction: "received", message: "response" }, value: counters.responsesReceived },
      { labels: { direction: "received", message: "cookie_reply" }, value: counters.cookieRepliesReceived },
    ],
  };
  yield single(
    "wasmguard_handshakes_given_up_total",
    "counter",
    "Handshakes that got no answer for 90 s.",
    counters.handshakesGivenUp,
  );
  yield {
    name: "wasmguard_dropped_packets_total",
    type: "counter",
    help: "Packets and messages dropped, by reason.",
    samples: Object.entries(engine.drops()).map(([reason, value]) => ({ labels: { reason }, value })),
  };
  yield single("wasmguard_handshake_queue", "gauge", "Handshake messages waiting.", engine.core.exports.queued());
  yield single("wasmguard_staged_bytes", "gauge", "Bytes of packets that wait for a session.", engine.staging.bytes);
}
