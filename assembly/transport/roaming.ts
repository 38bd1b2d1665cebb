/**
 * Where a peer is reached: the path of its last authenticated message (WireGuard paper §2.1, "endpoints & roaming").
 * An endpoint whose address is one of the peer's own allowed IPs is followed only when the host allows it: the route to it may lead
 * into the tunnel that it is the end of, and then every answer would come back to us, to be sealed once more.
 */
import { EVENT_PATH, EVENT_PATH_OFFERED, PATH_BYTES, PATH_REMOTE_BYTES } from "../abi";
import { equal } from "../crypto/constant-time";
import { Seqlock, Sharing } from "../memory/sharing";
import { Path } from "../records/path";
import { AllowedIps } from "../routing/allowed-ips";
import { Peers } from "../routing/peers";
import { touch } from "./events";

/** An authenticated message came along `path`: answer the same way from now on. */
export function followPath(peer: u32, path: usize): void {
  const record = Peers.record(peer);
  const known = record.path.bytes;
  if (same(known, path)) return;
  if (!equal(known, path, PATH_REMOTE_BYTES) && isInside(peer, Path.at(path))) {
    copyPath(peer, record.offered.bytes, path);
    return touch(peer, EVENT_PATH_OFFERED);
  }
  // What was offered before is older than this.
  record.offered.family = 0;
  touch(peer, EVENT_PATH);
  copyPath(peer, known, path);
}

/** The host allows the path that was offered, if nothing newer has come since. */
export function acceptPath(peer: u32): void {
  const offered = Peers.record(peer).offered;
  if (offered.family === 0) return;
  copyPath(peer, Peers.record(peer).path.bytes, offered.bytes);
  offered.family = 0;
}

/** Whether two paths are the same in all of their bytes: asked for every message, so not byte by byte. */
function same(a: usize, b: usize): bool {
  const difference = v128.or(
    v128.or(v128.xor(v128.load(a), v128.load(b)), v128.xor(v128.load(a, 16), v128.load(b, 16))),
    v128.xor(v128.load(a, 32), v128.load(b, 32)),
  );
  return !v128.any_true(difference);
}

/** The peer owns, inside, the address that it is heard from outside. */
function isInside(peer: u32, path: Path): bool {
  return AllowedIps.routeOf(path.address, path.family) === <i32>peer;
}

function copyPath(peer: u32, to: usize, from: usize): void {
  if (Sharing.on) Seqlock.write(Peers.record(peer).pathVersionAt, to, from, PATH_BYTES);
  else memory.copy(to, from, PATH_BYTES);
}
