/**
 * The symmetric half of a handshake (WireGuard paper §5.4): chaining key C, hash H and the latest key, worked on as
 * a copy in scratch memory, so that a message which fails leaves its peer as it was.
 * Memory: WORK_BYTES at SCRATCH + SCRATCH_NOISE. Whoever calls begin or resume calls wipe before returning.
 */
import { aeadOpen, aeadSeal } from "../crypto/aead";
import { blake2s } from "../crypto/blake2s";
import { kdf1, kdf1Padded, kdf2, kdf3 } from "../crypto/hkdf";
import { x25519 } from "../crypto/x25519";
import { BOTH_NONZERO, x25519Both } from "../crypto/x25519-both";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Identity } from "../records/identity";
import { Peers } from "../routing/peers";
import { agree } from "./agreed";
import { answer } from "./answers";

const CHAINING_KEY: usize = 0;
const HASH: usize = 32;
const HASH_INPUT: usize = 64; // directly behind HASH: what is mixed into it, 48 bytes at the most
const KEY: usize = 128;
const SHARED: usize = 160; // a Diffie-Hellman result
const TAU: usize = 192; // τ: the middle output of KDF3
/** Room for what a message decrypts to. */
const CONTENT: usize = 224;
const BOTH_SHARED: usize = 256; // two Diffie-Hellman results
const WORK_BYTES: usize = 320;

/** The first chaining key is a constant, Hash("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"). So are its pads, as kdf1Padded takes them. */
const INITIAL_PADS: usize = memory.data<u8>([
  0x44, 0x91, 0x2a, 0x31, 0x61, 0x84, 0xd3, 0xfd, 0x11, 0x8b, 0xbc, 0x04, 0x1e, 0xbd, 0xe8, 0x3e, 0xb5, 0xd3, 0x3d,
  0xf3, 0x4f, 0x98, 0xbc, 0xcc, 0x2c, 0xda, 0xd7, 0x85, 0xe1, 0x84, 0xf1, 0xaa, 0xfc, 0x4f, 0x2e, 0x85, 0xe9, 0xb8,
  0xd1, 0x77, 0xba, 0x82, 0xac, 0x04, 0x5b, 0xc2, 0x84, 0x3f, 0xda, 0x48, 0xa9, 0xb4, 0x6b, 0x75, 0x08, 0x60, 0x22,
  0x5f, 0x6e, 0xb0, 0xb8, 0x3d, 0xa6, 0xd0,
]);
/** Hash(that chaining key ‖ "WireGuard v1 zx2c4 Jason@zx2c4.com") */
const INITIAL_HASH: usize = memory.data<u8>([
  0x22, 0x11, 0xb3, 0x61, 0x08, 0x1a, 0xc5, 0x66, 0x69, 0x12, 0x43, 0xdb, 0x45, 0x8a, 0xd5, 0x32, 0x2d, 0x9c, 0x6c,
  0x66, 0x22, 0x93, 0xe8, 0xb7, 0x0e, 0xe1, 0x9c, 0x65, 0xba, 0x07, 0x9e, 0xf3,
]);
/** Each key seals one field only, always under counter 0. */
const ZERO_NONCE: usize = memory.data<u64>([0, 0]);

export class SymmetricState {
  @inline private static at(offset: usize): usize {
    return SCRATCH + SCRATCH_NOISE + offset;
  }

  /** Where decrypted content may go: 32 bytes, wiped with the rest. */
  @inline static get content(): usize {
    return SymmetricState.at(CONTENT);
  }

  /** Start a handshake with the responder's static public key. mixFirstEphemeral comes next. */
  static begin(responder: usize): void {
    memory.copy(SymmetricState.at(HASH), INITIAL_HASH, 32);
    SymmetricState.mixHash(responder, 32);
  }

  /** Start one that somebody begins with us. mixFirstEphemeral comes next. */
  static beginWithUs(): void {
    memory.copy(SymmetricState.at(HASH), Identity.get().initialHash, 32);
  }

  /** H as begin leaves it, to be kept. `out` 32 bytes. */
  static initialHash(out: usize, responder: usize): void {
    SymmetricState.begin(responder);
    memory.copy(out, SymmetricState.at(HASH), 32);
    SymmetricState.wipe();
  }

  /** Go on from where the peer's handshake stands. */
  static resume(peer: u32): void {
    const secret = Peers.secret(peer);
    memory.copy(SymmetricState.at(CHAINING_KEY), secret.chainingKey, 32);
    memory.copy(SymmetricState.at(HASH), secret.hash, 32);
  }

  /** Make the working copy the peer's. */
  static commit(peer: u32): void {
    const secret = Peers.secret(peer);
    memory.copy(secret.chainingKey, SymmetricState.at(CHAINING_KEY), 32);
    memory.copy(secret.hash, SymmetricState.at(HASH), 32);
  }

  static wipe(): void {
    memory.fill(SymmetricState.at(0), 0, WORK_BYTES);
  }

  /** H = Hash(H ‖ data). */
  static mixHash(data: usize, length: u32): void {
    memory.copy(SymmetricState.at(HASH_INPUT), data, length);
    blake2s(SymmetricState.at(HASH), 32, SymmetricState.at(HASH), 32 + length, 0, 0);
  }

  /** mixEphemeral in the first message. */
  static mixFirstEphemeral(ephemeral: usize): void {
    SymmetricState.mixHash(ephemeral, 32);
    kdf1Padded(SymmetricState.at(CHAINING_KEY), INITIAL_PADS, ephemeral, 32);
  }

  /** An ephemeral public key as it is sent: into H, and C = KDF1(C, E). */
  static mixEphemeral(ephemeral: usize): void {
    SymmetricState.mixHash(ephemeral, 32);
    kdf1(SymmetricState.at(CHAINING_KEY), SymmetricState.at(CHAINING_KEY), ephemeral, 32);
  }

  /** (C, key) = KDF2(C, secret). */
  static mixKey(shared: usize): void {
    kdf2(SymmetricState.at(CHAINING_KEY), SymmetricState.at(KEY), SymmetricState.at(CHAINING_KEY), shared, 32);
  }

  /** mixKey of a Diffie-Hellman result. @returns false if that is all zero: the point has a low order */
  static mixDh(privateKey: usize, publicKey: usize): bool {
    if (!x25519(SymmetricState.at(SHARED), privateKey, publicKey)) return false;
    SymmetricState.mixKey(SymmetricState.at(SHARED));
    return true;
  }

  /** mixDh of our static key with the ephemeral key of an initiation. */
  static mixStaticDh(ephemeral: usize): bool {
    if (!agree(SymmetricState.at(SHARED), ephemeral)) return false;
    SymmetricState.mixKey(SymmetricState.at(SHARED));
    return true;
  }

  /**
   * Our ephemeral key: `out`, 32 bytes, is its public half, which goes the way of mixEphemeral; then mixDh with the ephemeral key of the peer's
   * initiation and with its static one. The keys that come of it are used by nobody.
   * @returns false if there is no ephemeral key, or one of the results is all zero
   */
  static mixAnswer(out: usize, peer: u32, ephemeral: usize): bool {
    const shared = SymmetricState.at(BOTH_SHARED);
    if (!answer(out, shared, peer, ephemeral)) return false;
    SymmetricState.mixEphemeral(out);
    SymmetricState.mixBoth(shared);
    return true;
  }

  /**
   * mixDh of one private key and then of another with the same public key. The keys that come of it are used by nobody.
   * @returns false if one of the results is all zero
   */
  static mixBothDh(privateKey: usize, otherPrivateKey: usize, publicKey: usize): bool {
    const shared = SymmetricState.at(BOTH_SHARED);
    if (x25519Both(shared, privateKey, publicKey, otherPrivateKey, publicKey) !== BOTH_NONZERO) return false;
    SymmetricState.mixBoth(shared);
    return true;
  }

  private static mixBoth(shared: usize): void {
    const chainingKey = SymmetricState.at(CHAINING_KEY);
    kdf1(chainingKey, chainingKey, shared, 32);
    kdf1(chainingKey, chainingKey, shared + 32, 32);
  }

  /** (C, τ, key) = KDF3(C, Q), then τ into H. */
  static mixPresharedKey(presharedKey: usize): void {
    const chainingKey = SymmetricState.at(CHAINING_KEY);
    kdf3(chainingKey, SymmetricState.at(TAU), SymmetricState.at(KEY), chainingKey, presharedKey, 32);
    SymmetricState.mixHash(SymmetricState.at(TAU), 32);
  }

  /** Seal one field: `length` + 16 bytes at `dst`, which then go into H. */
  static seal(dst: usize, src: usize, length: u32): void {
    aeadSeal(dst, src, length, SymmetricState.at(KEY), ZERO_NONCE, SymmetricState.at(HASH), 32);
    SymmetricState.mixHash(dst, length + 16);
  }

  /** Open one field of `length` bytes, tag not counted. @returns false, and H as it was, if it is forged */
  static open(dst: usize, src: usize, length: u32): bool {
    if (!aeadOpen(dst, src, length, SymmetricState.at(KEY), ZERO_NONCE, SymmetricState.at(HASH), 32)) return false;
    SymmetricState.mixHash(src, length + 16);
    return true;
  }
}
