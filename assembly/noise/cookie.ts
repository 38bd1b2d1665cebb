/**
 * Protection against floods (WireGuard paper §5.4.4 and §5.4.7): mac1 shows that the sender knows whom it calls,
 * mac2 that it receives at the address it sends from, and the cookie reply hands out what mac2 needs.
 * A message ends in mac1 and mac2, 16 bytes each. The cookie covers address and port, without the IPv6 zone, as the
 * kernel's does.
 * Memory: COOKIE_BYTES at SCRATCH + SCRATCH_NOISE + COOKIE_AT, behind what a handshake message under way uses.
 */
import {
  COOKIE_REPLY_BYTES,
  DROP_COOKIE,
  DROP_INDEX,
  MESSAGE_COOKIE_REPLY,
  PEER_FLAG_COOKIE,
  PEER_FLAG_LAST_MAC1,
  RANDOM_EPHEMERAL,
  RANDOM_NONCE,
} from "../abi";
import { COOKIE_SECRET_LIFE, COOKIE_USE } from "../constants";
import { blake2s } from "../crypto/blake2s";
import { blake2sBegin, blake2sRest } from "../crypto/blake2s-key";
import { equal16, isZero } from "../crypto/constant-time";
import { xaeadOpen, xaeadSeal } from "../crypto/xaead";
import { random } from "../memory/layout";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Identity } from "../records/identity";
import { Path } from "../records/path";
import { IndexTable, NO_OWNER } from "../routing/index-table";
import { Peers } from "../routing/peers";
import { Handshake } from "./handshake";

const LABEL_MAC1: u64 = 0x2d2d2d2d3163616d; // "mac1----"
export const LABEL_COOKIE: u64 = 0x2d2d65696b6f6f63; // "cookie--"

const COOKIE_AT: usize = 512;
const INPUT: usize = COOKIE_AT; // 40: what is hashed
const KEY: usize = COOKIE_AT + 40; // 32
const COOKIE: usize = COOKIE_AT + 72; // 16
const MAC: usize = COOKIE_AT + 88; // 16
const COOKIE_BYTES: usize = 104;

const SENDER: usize = 4;
// A cookie reply.
const RECEIVER: usize = 4;
const NONCE: usize = 8;
const SEALED: usize = 32;

class Work {
  @inline static at(offset: usize): usize {
    return SCRATCH + SCRATCH_NOISE + offset;
  }

  @inline static mac1(message: usize, length: u32): usize {
    return message + length - 32;
  }

  @inline static mac2(message: usize, length: u32): usize {
    return message + length - 16;
  }

  static wipe(): void {
    memory.fill(Work.at(COOKIE_AT), 0, COOKIE_BYTES);
  }
}

/** Hash(label ‖ public key): the keys of mac1 and of cookie replies. `out` 32 bytes. */
export function labelledKey(out: usize, label: u64, publicKey: usize): void {
  const input = Work.at(INPUT);
  store<u64>(input, label);
  memory.copy(input + 8, publicKey, 32);
  blake2s(out, 32, input, 40, 0, 0);
  memory.fill(input, 0, 40);
}

/** The key of mac1 for the owner of a public key, absorbed: what its mac1 goes on from. `begun` 32 bytes. */
export function beginMac1(begun: usize, publicKey: usize): void {
  const key = Work.at(KEY);
  labelledKey(key, LABEL_MAC1, publicKey);
  blake2sBegin(begun, 16, key, 32);
  memory.fill(key, 0, 32);
}

/** Cookie of the sender at `path`, under the secret of these two minutes. @returns false if the family is unknown */
function makeCookie(path: usize): bool {
  const input = Work.at(INPUT);
  const family = Path.at(path).family;
  if (family !== 4 && family !== 6) return false;
  const addressBytes = family === 4 ? 4 : 16;
  memory.copy(input, Path.at(path).address, addressBytes);
  store<u16>(input + addressBytes, bswap<u16>(Path.at(path).port));
  blake2s(Work.at(COOKIE), 16, input, addressBytes + 2, Identity.get().cookieSecret, 32);
  return true;
}

/** Whether there is a cookie secret, and young enough. */
function secretLives(now: f64): bool {
  if (isZero(Identity.get().cookieSecret, 32)) return false;
  return now - Identity.get().cookieSecretAt < COOKIE_SECRET_LIFE;
}

/** @returns whether a handshake message was made for this device; never without identity */
export function checkMac1(message: usize, length: u32): bool {
  if (!Handshake.hasIdentity) return false;
  const mac = Work.at(MAC);
  blake2sRest(mac, 16, Identity.get().mac1Begun, message, length - 32);
  const right = equal16(mac, Work.mac1(message, length));
  Work.wipe();
  return right;
}

/** @param path  where the message came from. @returns whether the sender holds the cookie for just that */
export function checkMac2(message: usize, length: u32, path: usize, now: f64): bool {
  if (!Handshake.hasIdentity || !secretLives(now) || !makeCookie(path)) return false;
  const mac = Work.at(MAC);
  blake2s(mac, 16, message, length - 16, Work.at(COOKIE), 16);
  const right = equal16(mac, Work.mac2(message, length));
  Work.wipe();
  return right;
}

/**
 * Answer a handshake message whose mac1 is right with a cookie. The host has just filled the region of random bytes,
 * which is wiped; the bytes for an ephemeral key serve as the new secret when the old one is due.
 * @param out  COOKIE_REPLY_BYTES, apart from the message
 * @returns bytes to send, or 0
 */
export function createCookieReply(message: usize, length: u32, path: usize, out: usize, now: f64): u32 {
  let size: u32 = 0;
  const nonce = random + RANDOM_NONCE;
  if (Handshake.hasIdentity && !isZero(nonce, 24)) {
    if (!secretLives(now)) {
      memory.copy(Identity.get().cookieSecret, random + RANDOM_EPHEMERAL, 32);
      Identity.get().cookieSecretAt = now;
    }
    if (secretLives(now) && makeCookie(path)) {
      store<u32>(out, MESSAGE_COOKIE_REPLY);
      store<u32>(out, load<u32>(message, SENDER), RECEIVER);
      memory.copy(out + NONCE, nonce, 24);
      const key = Identity.get().cookieKey;
      xaeadSeal(out + SEALED, Work.at(COOKIE), 16, key, nonce, Work.mac1(message, length), 16);
      size = COOKIE_REPLY_BYTES;
    }
  }
  Work.wipe();
  Handshake.wipeRandom();
  return size;
}

/**
 * Take a cookie for the last handshake message sent to a peer. One message fetches one cookie: its mac1 is used up.
 * @returns the peer, or −(1 + DROP_ reason); then nothing changed
 */
export function consumeCookieReply(message: usize, now: f64): i32 {
  const owner = IndexTable.find(load<u32>(message, RECEIVER));
  if (owner === NO_OWNER) return Handshake.dropped(DROP_INDEX);
  const peer = owner >> 2;
  const record = Peers.record(peer);
  const flags = record.flags;
  if (!(flags & PEER_FLAG_LAST_MAC1)) return Handshake.dropped(DROP_COOKIE);
  const key = Work.at(KEY);
  const cookie = Work.at(COOKIE);
  labelledKey(key, LABEL_COOKIE, Peers.publicKey(peer));
  const opened = xaeadOpen(cookie, message + SEALED, 16, key, message + NONCE, record.lastMac1, 16);
  if (opened) {
    memory.copy(Peers.secret(peer).cookie, cookie, 16);
    memory.fill(record.lastMac1, 0, 16);
    record.cookieAt = now;
    record.flags = (flags & ~PEER_FLAG_LAST_MAC1) | PEER_FLAG_COOKIE;
  }
  Work.wipe();
  return opened ? peer : Handshake.dropped(DROP_COOKIE);
}

/** Finish a handshake message: mac1 for its receiver, mac2 if a cookie is held, else zeros. */
export function stampMacs(peer: u32, message: usize, length: u32, now: f64): void {
  const record = Peers.record(peer);
  const cookie = Peers.secret(peer).cookie;
  const mac1 = Work.mac1(message, length);
  const mac2 = Work.mac2(message, length);
  const key = Work.at(KEY);
  labelledKey(key, LABEL_MAC1, Peers.publicKey(peer));
  blake2s(mac1, 16, message, length - 32, key, 32);
  memory.copy(record.lastMac1, mac1, 16);
  let flags = record.flags | PEER_FLAG_LAST_MAC1;
  if (flags & PEER_FLAG_COOKIE && now - record.cookieAt < COOKIE_USE) {
    blake2s(mac2, 16, message, length - 16, cookie, 16);
  } else {
    memory.fill(mac2, 0, 16);
    memory.fill(cookie, 0, 16);
    flags &= ~PEER_FLAG_COOKIE;
  }
  record.flags = flags;
  Work.wipe();
}
