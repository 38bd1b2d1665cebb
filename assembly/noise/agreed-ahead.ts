/**
 * DH of our static key with the ephemeral key of an initiation, es, for two that wait one behind the other: side by side both take little
 * more than three quarters of what they take singly, so the first that is consumed computes the second's as well, which finds it here.
 * Memory: AGREED_AHEAD_BYTES at `agreedAhead`, among the secrets: the second's ephemeral public key and the result. They serve the next initiation
 * or nobody: consuming one wipes them, and so do a new private key and the end of the queue.
 */
import { equal, isZero } from "../crypto/constant-time";
import { x25519 } from "../crypto/x25519";
import { x25519Both } from "../crypto/x25519-both";
import { AGREED_AHEAD_BYTES, agreedAhead } from "../memory/layout";
import { Identity } from "../records/identity";

const EPHEMERAL: usize = 0;
const SHARED: usize = 32;

export class AgreedAhead {
  @inline private static at(offset: usize): usize {
    return agreedAhead + offset;
  }

  static wipe(): void {
    memory.fill(agreedAhead, 0, AGREED_AHEAD_BYTES);
  }

  /**
   * shared = DH(own static, ephemeral).
   * @param shared  64 bytes, of which the result takes the first 32; the caller wipes all
   * @param next    the ephemeral key that comes next, or 0 for none
   * @returns       false if the result is zero
   */
  static agree(shared: usize, ephemeral: usize, next: usize): bool {
    const found = equal(AgreedAhead.at(EPHEMERAL), ephemeral, 32) && !isZero(AgreedAhead.at(SHARED), 32);
    if (found) memory.copy(shared, AgreedAhead.at(SHARED), 32);
    AgreedAhead.wipe();
    if (found) return true;
    const privateKey = Identity.get().privateKey;
    // If one of them is refused both are: then the first is looked at alone.
    if (next === 0 || !x25519Both(shared, privateKey, ephemeral, next)) return x25519(shared, privateKey, ephemeral);
    memory.copy(AgreedAhead.at(EPHEMERAL), next, 32);
    memory.copy(AgreedAhead.at(SHARED), shared + 32, 32);
    return true;
  }
}
