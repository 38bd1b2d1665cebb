/**
 * A peer: what the host may see of it. Keys but the public one live in its secret record (peer-secret.ts).
 * Memory: PEER_BYTES at `peers` for each slot. Threads share it: memory/sharing.ts says who changes what.
 */
import {
  PEER_BYTES,
  PEER_CURRENT,
  PEER_EVENTS,
  PEER_HANDSHAKE,
  PEER_LOCAL_INDEX,
  PEER_NEXT,
  PEER_PATH,
  PEER_PREVIOUS,
  PEER_PUBLIC_KEY,
  PEER_RX,
  PEER_TX,
} from "../abi";
import { Path } from "./path";

@unmanaged
export class PeerRecord {
  /** 1 while the slot is taken. */
  inUse: u32;
  /** Keypair 1 to 3 of this peer, 0 none; so the next two. */
  current: u32;
  previous: u32;
  next: u32;
  /** EVENT_… bits since the host last looked. */
  events: u32;
  /** HANDSHAKE_… state. */
  handshake: u32;
  /** Our index of the handshake under way, and theirs. */
  localIndex: u32;
  remoteIndex: u32;
  /** Allowed-ips node, 0 none; oldest first. */
  routesFirst: u32;
  routesLast: u32;
  /** Bytes of authenticated messages received. */
  rx: u64;
  /** Bytes of UDP payload sent. */
  tx: u64;
  path0: u64; // a Path; family 0 while no endpoint is known
  path1: u64;
  path2: u64;
  path3: u64;
  path4: u64;
  path5: u64;
  publicKey0: u64; // 32 bytes
  publicKey1: u64;
  publicKey2: u64;
  publicKey3: u64;
  /** When the last initiation was accepted. */
  initiationAt: f64;
  timestamp0: u64; // 12 bytes: latest TAI64N accepted
  timestamp1: u32;
  /** PEER_FLAG_… bits. */
  flags: u32;
  lastMac1_0: u64; // 16 bytes: mac1 of the last handshake message sent
  lastMac1_1: u64;
  /** When the cookie came. */
  cookieAt: f64;
  /** Version of `path` and `offered` for readers on other threads (memory/sharing.ts); odd while it changes. */
  pathVersion: u32;
  unused: u32;
  offered0: u64; // a Path that the host must allow first; family 0 while there is none
  offered1: u64;
  offered2: u64;
  offered3: u64;
  offered4: u64;
  offered5: u64;

  @inline static at(address: usize): PeerRecord {
    return changetype<PeerRecord>(address);
  }

  @inline get bytes(): usize {
    return changetype<usize>(this);
  }

  @inline get eventsAt(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("events");
  }

  @inline get rxAt(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("rx");
  }

  @inline get txAt(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("tx");
  }

  @inline get path(): Path {
    return Path.at(changetype<usize>(this) + offsetof<PeerRecord>("path0"));
  }

  @inline get offered(): Path {
    return Path.at(changetype<usize>(this) + offsetof<PeerRecord>("offered0"));
  }

  @inline get publicKey(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("publicKey0");
  }

  @inline get timestamp(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("timestamp0");
  }

  @inline get flagsAt(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("flags");
  }

  @inline get lastMac1(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("lastMac1_0");
  }

  @inline get pathVersionAt(): usize {
    return changetype<usize>(this) + offsetof<PeerRecord>("pathVersion");
  }
}

if (
  offsetof<PeerRecord>("previous") !== PEER_PREVIOUS ||
  offsetof<PeerRecord>("next") !== PEER_NEXT ||
  offsetof<PeerRecord>("handshake") !== PEER_HANDSHAKE ||
  offsetof<PeerRecord>("localIndex") !== PEER_LOCAL_INDEX ||
  offsetof<PeerRecord>("current") !== PEER_CURRENT ||
  offsetof<PeerRecord>("events") !== PEER_EVENTS ||
  offsetof<PeerRecord>("rx") !== PEER_RX ||
  offsetof<PeerRecord>("tx") !== PEER_TX ||
  offsetof<PeerRecord>("path0") !== PEER_PATH ||
  offsetof<PeerRecord>("publicKey0") !== PEER_PUBLIC_KEY ||
  offsetof<PeerRecord>() !== PEER_BYTES
)
  ERROR("PeerRecord is not laid out as abi.ts says");
