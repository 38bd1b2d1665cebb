/** The device's own secrets (assembly/records/identity.ts), by their address. */
import { IDENTITY_BYTES, IDENTITY_PRESENT, IDENTITY_PRIVATE_KEY, IDENTITY_PUBLIC_KEY } from "../../../assembly/abi.ts";
import type { Address, MemoryViews } from "./memory.ts";

export { IDENTITY_BYTES };

/** Where the private key is; undefined without an identity. */
export function identityPrivateKey({ words }: MemoryViews, identity: Address): Address | undefined {
  return words[(identity + IDENTITY_PRESENT) >>> 2] === 0 ? undefined : identity + IDENTITY_PRIVATE_KEY;
}

/** Where our public key is; undefined without an identity. */
export function identityPublicKey({ words }: MemoryViews, identity: Address): Address | undefined {
  return words[(identity + IDENTITY_PRESENT) >>> 2] === 0 ? undefined : identity + IDENTITY_PUBLIC_KEY;
}
