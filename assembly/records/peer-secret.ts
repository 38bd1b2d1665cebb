/**
 * Secrets of a peer that outlive a session, in the same slot as the peer, and those of the handshake under way.
 * Memory: SECRET_BYTES in the region for secrets. Wiped with the peer; the handshake's part with the handshake.
 */
import { SECRET_BYTES, SECRET_EPHEMERAL, SECRET_PRESHARED_KEY } from "../abi";

@unmanaged
export class PeerSecret {
  presharedKey0: u64; // Q, 32 bytes; all zero when none
  presharedKey1: u64;
  presharedKey2: u64;
  presharedKey3: u64;
  staticStatic0: u64; // DH(S_priv, S_pub of the peer), 32 bytes
  staticStatic1: u64;
  staticStatic2: u64;
  staticStatic3: u64;
  chainingKey0: u64; // C, 32 bytes: here the handshake's part begins
  chainingKey1: u64;
  chainingKey2: u64;
  chainingKey3: u64;
  hash0: u64; // H, 32 bytes
  hash1: u64;
  hash2: u64;
  hash3: u64;
  ephemeral0: u64; // E_priv, 32 bytes
  ephemeral1: u64;
  ephemeral2: u64;
  ephemeral3: u64;
  remoteEphemeral0: u64; // E_pub of the peer, 32 bytes: here it ends
  remoteEphemeral1: u64;
  remoteEphemeral2: u64;
  remoteEphemeral3: u64;
  cookie0: u64; // 16 bytes: the cookie received
  cookie1: u64;

  @inline static at(address: usize): PeerSecret {
    return changetype<PeerSecret>(address);
  }

  @inline get bytes(): usize {
    return changetype<usize>(this);
  }

  @inline get presharedKey(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("presharedKey0");
  }

  @inline get staticStatic(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("staticStatic0");
  }

  @inline get chainingKey(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("chainingKey0");
  }

  @inline get hash(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("hash0");
  }

  @inline get ephemeral(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("ephemeral0");
  }

  @inline get remoteEphemeral(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("remoteEphemeral0");
  }

  @inline get cookie(): usize {
    return changetype<usize>(this) + offsetof<PeerSecret>("cookie0");
  }

  /** What only the handshake under way needs. */
  @inline wipeHandshake(): void {
    memory.fill(this.chainingKey, 0, offsetof<PeerSecret>("cookie0") - offsetof<PeerSecret>("chainingKey0"));
  }
}

if (
  offsetof<PeerSecret>("ephemeral0") !== SECRET_EPHEMERAL ||
  offsetof<PeerSecret>("presharedKey0") !== SECRET_PRESHARED_KEY ||
  offsetof<PeerSecret>() > <usize>SECRET_BYTES
)
  ERROR("PeerSecret is not laid out as abi.ts says");
