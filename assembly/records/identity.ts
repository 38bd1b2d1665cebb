/**
 * The device's own secrets: static key pair, what follows from it, and the secret that cookies are made with.
 * Memory: IDENTITY_BYTES at `identity`, in the region for secrets; all zero without a private key.
 */
import { IDENTITY_BYTES, IDENTITY_PRESENT, IDENTITY_PRIVATE_KEY, IDENTITY_PUBLIC_KEY } from "../abi";
import { identity } from "../memory/layout";

@unmanaged
export class Identity {
  /** 1 while a private key is set. */
  present: u32;
  unused0: u32;
  unused1: u64;
  privateKey0: u64; // 32 bytes
  privateKey1: u64;
  privateKey2: u64;
  privateKey3: u64;
  publicKey0: u64; // 32 bytes
  publicKey1: u64;
  publicKey2: u64;
  publicKey3: u64;
  mac1Begun0: u64; // what BLAKE2s makes of the key BLAKE2s("mac1----" ‖ public key), 32 bytes: each mac1 goes on from here
  mac1Begun1: u64;
  mac1Begun2: u64;
  mac1Begun3: u64;
  initialHash0: u64; // H as it is when somebody begins a handshake with us, 32 bytes
  initialHash1: u64;
  initialHash2: u64;
  initialHash3: u64;
  cookieKey0: u64; // BLAKE2s("cookie--" ‖ public key), 32 bytes: seals cookie replies
  cookieKey1: u64;
  cookieKey2: u64;
  cookieKey3: u64;
  cookieSecret0: u64; // R_m, 32 bytes: changes every 120 s
  cookieSecret1: u64;
  cookieSecret2: u64;
  cookieSecret3: u64;
  /** When R_m was drawn. */
  cookieSecretAt: f64;

  @inline static get(): Identity {
    return changetype<Identity>(identity);
  }

  @inline get privateKey(): usize {
    return changetype<usize>(this) + offsetof<Identity>("privateKey0");
  }

  @inline get publicKey(): usize {
    return changetype<usize>(this) + offsetof<Identity>("publicKey0");
  }

  @inline get mac1Begun(): usize {
    return changetype<usize>(this) + offsetof<Identity>("mac1Begun0");
  }

  @inline get initialHash(): usize {
    return changetype<usize>(this) + offsetof<Identity>("initialHash0");
  }

  @inline get cookieKey(): usize {
    return changetype<usize>(this) + offsetof<Identity>("cookieKey0");
  }

  @inline get cookieSecret(): usize {
    return changetype<usize>(this) + offsetof<Identity>("cookieSecret0");
  }

  @inline wipe(): void {
    memory.fill(changetype<usize>(this), 0, IDENTITY_BYTES);
  }
}

if (
  offsetof<Identity>("present") !== IDENTITY_PRESENT ||
  offsetof<Identity>("privateKey0") !== IDENTITY_PRIVATE_KEY ||
  offsetof<Identity>("publicKey0") !== IDENTITY_PUBLIC_KEY ||
  offsetof<Identity>() > <usize>IDENTITY_BYTES
)
  ERROR("Identity is not laid out as abi.ts says");
