/** Key pairs for the demo's two ends, made new each time. */

import { derivePublicKey } from "../../keys/public-key.ts";
import { KEY_BYTES } from "../../keys/text.ts";

export interface KeyPair {
  /** Wipe it once it is handed over. */
  privateKey: Uint8Array;
  publicKey: Uint8Array;
}

export function newKeyPair(): KeyPair {
  const privateKey = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return { privateKey, publicKey: derivePublicKey(privateKey) };
}
