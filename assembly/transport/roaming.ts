/** Where a peer is reached: the path of its last authenticated message (WireGuard paper §2.1, "endpoints & roaming"). */
import { EVENT_PATH, PATH_BYTES } from "../abi";
import { equal } from "../crypto/constant-time";
import { Sharing, Versioned } from "../memory/sharing";
import { Peer } from "../routing/peers";
import { touch } from "./events";

/** An authenticated message came along `path`: answer the same way from now on. */
export function followPath(peer: u32, path: usize): void {
  const known = Peer.record(peer).path.bytes;
  if (equal(known, path, PATH_BYTES)) return;
  touch(peer, EVENT_PATH);
  if (Sharing.on) Versioned.write(Peer.record(peer).pathVersionAt, known, path, PATH_BYTES);
  else memory.copy(known, path, PATH_BYTES);
}
