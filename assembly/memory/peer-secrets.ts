/**
 * Where the secrets of a peer lie. Neighbouring slots form a group of whole pages: their secret records, then their keypairs.
 * So the first peers fit into what little memory a container may lock, and peers without a session share one page.
 */
import {
  KEYPAIR_BYTES,
  KEYPAIRS_PER_PEER,
  SECRET_BYTES,
  SECRET_GROUP_BYTES,
  SECRET_GROUP_KEYPAIRS,
  SECRET_GROUP_PEERS,
} from "../abi";
import { peerSecrets } from "./layout";

const KEYPAIRS_BYTES = KEYPAIRS_PER_PEER * KEYPAIR_BYTES;
if (SECRET_GROUP_PEERS * SECRET_BYTES > SECRET_GROUP_KEYPAIRS) ERROR("the records reach into the keypairs");
if (SECRET_GROUP_KEYPAIRS + SECRET_GROUP_PEERS * KEYPAIRS_BYTES > SECRET_GROUP_BYTES)
  ERROR("the keypairs reach into the next group");

export class PeerSecrets {
  @inline private static group(slot: u32): usize {
    return peerSecrets + SECRET_GROUP_BYTES * <usize>(slot / <u32>SECRET_GROUP_PEERS);
  }

  /** SECRET_… in abi.ts. */
  @inline static record(slot: u32): usize {
    return PeerSecrets.group(slot) + SECRET_BYTES * <usize>(slot % <u32>SECRET_GROUP_PEERS);
  }

  /** The first of KEYPAIRS_PER_PEER. */
  @inline static keypairs(slot: u32): usize {
    const place = <usize>(slot % <u32>SECRET_GROUP_PEERS);
    return PeerSecrets.group(slot) + SECRET_GROUP_KEYPAIRS + KEYPAIRS_BYTES * place;
  }
}
