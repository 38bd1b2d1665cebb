// Runs in every runtime, and in a browser page: plain ECMAScript without imports of its own.
// @param crypto  the module under test
// @returns      how many checks held. Throws at the first that does not.

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (array) => Array.from(array, (byte) => byte.toString(16).padStart(2, "0")).join("");
const pattern = (length) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);

/** @param vectors  test/vectors: rfc8439, xchacha, x25519, blake2s */
export function check(wasmguard, vectors) {
  let held = 0;
  const same = (what, actual, expected) => {
    const text = typeof expected === "string" ? expected : hex(expected);
    if (hex(actual) !== text)
      throw new Error(`${what}: got ${hex(actual).slice(0, 80)}, expected ${text.slice(0, 80)}`);
    held++;
  };
  const throws = (what, code, call) => {
    try {
      call();
    } catch (error) {
      if (error.code !== code && error.name !== code) throw error;
      held++;
      return;
    }
    throw new Error(`${what}: nothing was thrown`);
  };
  const { chacha20poly1305, xchacha20poly1305, chacha20, poly1305, blake2s, x25519, x25519Pair, AeadKey, SecretKey } =
    wasmguard;

  for (const { name, key, nonce, aad, plaintext, ciphertext, tag } of vectors.rfc8439.aead) {
    const cipher = chacha20poly1305(bytes(key), bytes(nonce), bytes(aad));
    same(`AEAD ${name}`, cipher.encrypt(bytes(plaintext)), ciphertext + tag);
    same(`AEAD ${name}`, cipher.decrypt(bytes(ciphertext + tag)), plaintext);
  }
  for (const { name, key, nonce, aad, plaintext, ciphertext, tag } of vectors.xchacha.aead) {
    same(
      `XAEAD ${name}`,
      xchacha20poly1305(bytes(key), bytes(nonce), bytes(aad)).encrypt(bytes(plaintext)),
      ciphertext + tag,
    );
  }
  for (const { name, key, nonce, counter, plaintext, ciphertext } of vectors.rfc8439.chacha20) {
    same(`ChaCha20 ${name}`, chacha20(bytes(key), bytes(nonce), bytes(plaintext), undefined, counter), ciphertext);
  }
  for (const { name, key, message, tag } of vectors.rfc8439.poly1305) {
    same(`Poly1305 ${name}`, poly1305(bytes(message), bytes(key)), tag);
  }
  for (const { text, hash } of vectors.blake2s.plain) same("BLAKE2s", blake2s(new TextEncoder().encode(text)), hash);
  for (const { scalar, u, result } of vectors.x25519.scalarMult) {
    same("X25519", x25519.scalarMult(bytes(scalar), bytes(u)), result);
  }
  const { alicePrivate, alicePublic, bobPrivate, bobPublic, shared } = vectors.x25519.diffieHellman;
  same("X25519 public key", x25519.getPublicKey(bytes(alicePrivate)), alicePublic);
  same("X25519 shared secret", x25519.getSharedSecret(bytes(alicePrivate), bytes(bobPublic)), shared);
  const [alice, bob] = [
    [bytes(alicePrivate), bytes(bobPublic)],
    [bytes(bobPrivate), bytes(alicePublic)],
  ];
  for (const one of x25519Pair(...alice, ...bob)) same("two X25519 shared secrets", one, shared);
  for (const point of vectors.x25519.smallOrder) {
    throws("small order", "LOW_ORDER_POINT", () => x25519.getSharedSecret(bytes(alicePrivate), bytes(point)));
    throws("small order", "LOW_ORDER_POINT", () => x25519Pair(alice[0], bytes(point), ...bob));
    throws("small order", "LOW_ORDER_POINT", () => x25519Pair(...alice, bob[0], bytes(point)));
  }

  // Every length that takes a way of its own, and sizes that need chunks or the second memory.
  const key = pattern(32);
  const nonce = pattern(12);
  for (const length of [...Array(530).keys(), 1420, 4096, 65_537, (1 << 20) + 1, (6 << 20) + 7]) {
    const message = pattern(length);
    const sealed = chacha20poly1305(key, nonce).encrypt(message);
    const opened = chacha20poly1305(key, nonce).decrypt(sealed);
    if (opened.length !== length || opened.some((byte, i) => byte !== message[i])) throw new Error(`length ${length}`);
    sealed[length >> 1] ^= 1;
    throws(`length ${length}`, "INVALID_TAG", () => chacha20poly1305(key, nonce).decrypt(sealed));
    const half = length >> 1;
    same(
      "in pieces",
      blake2s.create().update(message.subarray(0, half)).update(message.subarray(half)).digest(),
      blake2s(message),
    );
  }

  // Handles and batches.
  const secret = SecretKey.generate();
  const peer = SecretKey.generate();
  const ours = secret.diffieHellman(peer.publicKey()).deriveKey({ info: pattern(3) });
  const theirs = peer.diffieHellman(secret.publicKey()).deriveKey({ info: pattern(3) });
  same("derived keys", theirs.open(nonce, ours.seal(nonce, pattern(100))), pattern(100));
  ours.destroy();
  throws("a destroyed key", "KEY_DESTROYED", () => ours.seal(nonce, key));
  const batch = new wasmguard.AeadBatch(2, 200);
  const aeadKey = AeadKey.import(key);
  batch.lengths.set([50, 60]);
  batch.offsets.set([0, 100]);
  batch.counters.set([1n, 2n]);
  batch.area.set(pattern(50));
  batch.seal(aeadKey, 2);
  batch.area[110] ^= 1;
  batch.open(aeadKey, 2);
  same("outcomes", batch.outcomes, "0100");
  same("a batch", batch.area.subarray(0, 50), pattern(50));
  throws("a wrong type", "TypeError", () => blake2s("text"));
  throws("a wrong length", "RangeError", () => x25519.getPublicKey(new Uint8Array(31)));
  return held;
}
