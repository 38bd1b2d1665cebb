/**
 * The answer to `get`, in pieces that fit the output area. The list of peers is taken when the request comes;
 * each peer is then described as it is at the moment its piece is made, its lines up to the allowed IPs in one
 * go. So between two pieces peers may come and go: a new peer is not in the answer, one that was removed is left
 * out, or its list of allowed IPs ends early. The answer is well-formed in each case.
 */
import { formatEndpoint, type Zones } from "../address/endpoint-text.ts";
import { formatAddress } from "../address/ip.ts";
import type { ConfigTarget, PeerTarget } from "./target.ts";
import type { OutputWriter } from "./writer.ts";

/** Room for what is written in one go: a peer without its allowed IPs takes at most about 430 bytes, one of those 55. */
export const PIECE_BYTES_MAX = 512;

/**
 * Write the answer without the closing errno. Yields whenever the writer has too little room; resume when the
 * writer is empty.
 */
export function* describeDevice(target: ConfigTarget, writer: OutputWriter, zones: Zones): Generator<void, void> {
  const peers = [...target.peers()];
  describeInterface(target, writer);
  for (const peer of peers) {
    if (writer.room() < PIECE_BYTES_MAX) yield;
    if (!peer.alive) continue;
    describePeer(peer, writer, zones);
    yield* describeAllowedIps(peer, writer);
  }
  if (writer.room() < PIECE_BYTES_MAX) yield;
}

function describeInterface(target: ConfigTarget, writer: OutputWriter): void {
  const privateKey = target.privateKey();
  if (privateKey !== undefined) {
    writer.text("private_key=");
    writer.hexKey(privateKey);
    writer.text("\n");
  }
  const port = target.listenPort();
  if (port !== 0) writer.text(`listen_port=${port}\n`);
  const mark = target.firewallMark();
  if (mark !== 0) writer.text(`fwmark=${mark}\n`);
}

function describePeer(peer: PeerTarget, writer: OutputWriter, zones: Zones): void {
  writer.text("public_key=");
  writer.hexKey(peer.publicKey);
  writer.text("\npreshared_key=");
  writer.hexKey(peer.presharedKey);
  writer.text("\nprotocol_version=1\n");
  const endpoint = peer.endpoint();
  if (endpoint !== undefined) writer.text(`endpoint=${formatEndpoint(endpoint, zones)}\n`);
  const { seconds, nanoseconds } = peer.lastHandshake();
  writer.text(
    `last_handshake_time_sec=${seconds}\nlast_handshake_time_nsec=${nanoseconds}\n` +
      `tx_bytes=${peer.txBytes()}\nrx_bytes=${peer.rxBytes()}\n` +
      `persistent_keepalive_interval=${peer.persistentKeepalive()}\n`,
  );
}

function* describeAllowedIps(peer: PeerTarget, writer: OutputWriter): Generator<void, void> {
  const entries = peer.allowedIps();
  for (let entry = entries.next(); !entry.done; entry = entries.next()) {
    writer.text(`allowed_ip=${formatAddress(entry.value.address)}/${entry.value.prefix}\n`);
    if (writer.room() >= PIECE_BYTES_MAX) continue;
    yield;
    if (!peer.alive) return;
  }
}

/** Write ASCII lines of at most PIECE_BYTES_MAX bytes. Yields as describeDevice does. */
export function* writeLines(lines: Iterable<string>, writer: OutputWriter): Generator<void, void> {
  for (const line of lines) {
    if (writer.room() < PIECE_BYTES_MAX) yield;
    writer.text(line);
  }
  if (writer.room() < PIECE_BYTES_MAX) yield;
}
