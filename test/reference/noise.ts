// Noise_IKpsk2 as WireGuard uses it, both roles, and its cookies, written for reading (WireGuard paper §5.4). Nothing in it
// comes from the core: the primitives are @noble's. It throws where the core drops, and keeps a list of every
// secret it saw, so that tests can look for leftovers.
import { chacha20poly1305, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { hmac } from "@noble/hashes/hmac.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export const CONSTRUCTION = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
export const IDENTIFIER = "WireGuard v1 zx2c4 Jason@zx2c4.com";
const NOTHING = new Uint8Array();
const ZERO_NONCE = new Uint8Array(12);
const NO_COOKIE = new Uint8Array(16);

export const INITIAL_CHAINING_KEY = blake2s(utf8ToBytes(CONSTRUCTION));
export const INITIAL_HASH = blake2s(concatBytes(INITIAL_CHAINING_KEY, utf8ToBytes(IDENTIFIER)));

export interface TransportKeys {
  sending: Uint8Array;
  receiving: Uint8Array;
  remoteIndex: number;
}

/** Random choices of one handshake message, and the cookie held, if any. */
export interface MessageOptions {
  ephemeral: Uint8Array;
  senderIndex: number;
  cookie?: Uint8Array;
}

export const publicKeyOf = (privateKey: Uint8Array): Uint8Array => x25519.getPublicKey(privateKey);

/** TAI64N, blurred to 2^24 ns. */
export function timestamp(seconds: number, nanoseconds: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setBigUint64(0, 0x400000000000000an + BigInt(seconds));
  view.setUint32(8, nanoseconds - (nanoseconds % 2 ** 24));
  return new Uint8Array(view.buffer);
}

function kdf(count: number, chainingKey: Uint8Array, input: Uint8Array): Uint8Array[] {
  const pseudorandomKey = hmac(blake2s, chainingKey, input);
  const outputs: Uint8Array[] = [];
  for (let n = 1; n <= count; n++) {
    const last = outputs.at(-1) ?? NOTHING;
    outputs.push(hmac(blake2s, pseudorandomKey, concatBytes(last, Uint8Array.of(n))));
  }
  return outputs;
}

/** What both roles do with C, H and the key of the moment. */
class SymmetricState {
  chainingKey: Uint8Array = INITIAL_CHAINING_KEY;
  hash: Uint8Array = INITIAL_HASH;
  key: Uint8Array = NOTHING;
  /** Every secret this handshake went through. */
  readonly secrets: Uint8Array[] = [];

  mixHash(data: Uint8Array): void {
    this.hash = blake2s(concatBytes(this.hash, data));
  }

  mixEphemeral(ephemeral: Uint8Array): void {
    this.mixHash(ephemeral);
    this.chainingKey = kdf(1, this.chainingKey, ephemeral)[0]!;
    this.secrets.push(this.chainingKey);
  }

  mixDh(privateKey: Uint8Array, publicKey: Uint8Array): void {
    const shared = x25519.getSharedSecret(privateKey, publicKey);
    [this.chainingKey, this.key] = kdf(2, this.chainingKey, shared) as [Uint8Array, Uint8Array];
    this.secrets.push(shared, this.chainingKey, this.key);
  }

  mixPresharedKey(presharedKey: Uint8Array): void {
    const [chainingKey, tau, key] = kdf(3, this.chainingKey, presharedKey) as [Uint8Array, Uint8Array, Uint8Array];
    this.chainingKey = chainingKey;
    this.key = key;
    this.mixHash(tau);
    this.secrets.push(chainingKey, tau, key);
  }

  seal(plaintext: Uint8Array): Uint8Array {
    const sealed = chacha20poly1305(this.key, ZERO_NONCE, this.hash).encrypt(plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  open(sealed: Uint8Array): Uint8Array {
    const plaintext = chacha20poly1305(this.key, ZERO_NONCE, this.hash).decrypt(sealed);
    this.mixHash(sealed);
    return plaintext;
  }

  /** @returns T1 and T2: what the initiator sends and receives under */
  split(): [Uint8Array, Uint8Array] {
    return kdf(2, this.chainingKey, NOTHING) as [Uint8Array, Uint8Array];
  }
}

/** Type and the little-endian indices that follow it. */
function header(...words: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
  return new Uint8Array(view.buffer);
}

function indexAt(message: Uint8Array, offset: number): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(offset, true);
}

export const mac1 = (receiver: Uint8Array, body: Uint8Array): Uint8Array =>
  blake2s(body, { dkLen: 16, key: blake2s(concatBytes(utf8ToBytes("mac1----"), receiver)) });

export const mac2 = (cookie: Uint8Array, bodyAndMac1: Uint8Array): Uint8Array =>
  blake2s(bodyAndMac1, { dkLen: 16, key: cookie });

function withMacs(body: Uint8Array, receiver: Uint8Array, cookie: Uint8Array | undefined): Uint8Array {
  const first = concatBytes(body, mac1(receiver, body));
  return concatBytes(first, cookie ? mac2(cookie, first) : NO_COOKIE);
}

export class ReferenceInitiator {
  readonly state = new SymmetricState();
  private ephemeral: Uint8Array = NOTHING;
  private readonly privateKey: Uint8Array;
  private readonly responder: Uint8Array;
  private readonly presharedKey: Uint8Array;

  constructor(privateKey: Uint8Array, responder: Uint8Array, presharedKey: Uint8Array = new Uint8Array(32)) {
    this.privateKey = privateKey;
    this.responder = responder;
    this.presharedKey = presharedKey;
  }

  createInitiation(time: Uint8Array, { ephemeral, senderIndex, cookie }: MessageOptions): Uint8Array {
    const { state } = this;
    this.ephemeral = ephemeral;
    state.mixHash(this.responder);
    const ephemeralPublic = publicKeyOf(ephemeral);
    state.mixEphemeral(ephemeralPublic);
    state.mixDh(ephemeral, this.responder);
    const sealedStatic = state.seal(publicKeyOf(this.privateKey));
    state.mixDh(this.privateKey, this.responder);
    const sealedTime = state.seal(time);
    const body = concatBytes(header(1, senderIndex), ephemeralPublic, sealedStatic, sealedTime);
    return withMacs(body, this.responder, cookie);
  }

  consumeResponse(message: Uint8Array): TransportKeys {
    const { state } = this;
    const ephemeral = message.subarray(12, 44);
    state.mixEphemeral(ephemeral);
    state.mixDh(this.ephemeral, ephemeral);
    state.mixDh(this.privateKey, ephemeral);
    state.mixPresharedKey(this.presharedKey);
    state.open(message.subarray(44, 60));
    const [sending, receiving] = state.split();
    return { sending, receiving, remoteIndex: indexAt(message, 4) };
  }
}

export class ReferenceResponder {
  readonly state = new SymmetricState();
  private initiator: Uint8Array = NOTHING;
  private remoteEphemeral: Uint8Array = NOTHING;
  private remoteIndex = 0;
  private readonly privateKey: Uint8Array;
  private readonly presharedKey: Uint8Array;

  constructor(privateKey: Uint8Array, presharedKey: Uint8Array = new Uint8Array(32)) {
    this.privateKey = privateKey;
    this.presharedKey = presharedKey;
  }

  consumeInitiation(message: Uint8Array): { initiator: Uint8Array; time: Uint8Array } {
    const { state } = this;
    state.mixHash(publicKeyOf(this.privateKey));
    this.remoteIndex = indexAt(message, 4);
    this.remoteEphemeral = message.slice(8, 40);
    state.mixEphemeral(this.remoteEphemeral);
    state.mixDh(this.privateKey, this.remoteEphemeral);
    this.initiator = state.open(message.subarray(40, 88));
    state.mixDh(this.privateKey, this.initiator);
    const time = state.open(message.subarray(88, 116));
    return { initiator: this.initiator, time };
  }

  createResponse({ ephemeral, senderIndex, cookie }: MessageOptions): { message: Uint8Array; keys: TransportKeys } {
    const { state } = this;
    const ephemeralPublic = publicKeyOf(ephemeral);
    state.mixEphemeral(ephemeralPublic);
    state.mixDh(ephemeral, this.remoteEphemeral);
    state.mixDh(ephemeral, this.initiator);
    state.mixPresharedKey(this.presharedKey);
    const body = concatBytes(header(2, senderIndex, this.remoteIndex), ephemeralPublic, state.seal(NOTHING));
    const [receiving, sending] = state.split();
    return {
      message: withMacs(body, this.initiator, cookie),
      keys: { sending, receiving, remoteIndex: this.remoteIndex },
    };
  }
}

/** Cookie of a sender: its address as 4 or 16 bytes, its port. */
export function cookieOf(secret: Uint8Array, address: Uint8Array, port: number): Uint8Array {
  return blake2s(concatBytes(address, Uint8Array.of(port >> 8, port & 255)), { dkLen: 16, key: secret });
}

const cookieKey = (owner: Uint8Array): Uint8Array => blake2s(concatBytes(utf8ToBytes("cookie--"), owner));

/** @param owner  static public key of the side that hands out the cookie */
export function sealCookieReply(
  owner: Uint8Array,
  receiverIndex: number,
  cookie: Uint8Array,
  nonce: Uint8Array,
  offendingMac1: Uint8Array,
): Uint8Array {
  const sealed = xchacha20poly1305(cookieKey(owner), nonce, offendingMac1).encrypt(cookie);
  return concatBytes(header(3, receiverIndex), nonce, sealed);
}

export function openCookieReply(owner: Uint8Array, message: Uint8Array, offendingMac1: Uint8Array): Uint8Array {
  const cipher = xchacha20poly1305(cookieKey(owner), message.subarray(8, 32), offendingMac1);
  return cipher.decrypt(message.subarray(32));
}
