/**
 * ChaCha20 (RFC 8439 §2.4) and XChaCha20 (draft-irtf-cfrg-xchacha-03) without authentication, called as in @noble/ciphers.
 * The output may be the input or begin before it. Unauthenticated: anyone can flip bits of the message.
 */
import { bufferOf, checkBytes, checkBytesOf, checkWhole, copyInto, lengthOf, offsetOf } from "./check.ts";
import { main } from "./ciphers-module.ts";
import { CounterOverflowError, InvalidLengthError, OverlapError } from "./crypto-errors.ts";
import { CHUNK_BYTES, inChunks, KEY, NONCE } from "./memory.ts";

const KEY_BYTES = 32;
const BLOCK_BYTES = 64;
/** The counter never gets here, so it cannot wrap unnoticed. */
const COUNTER_END = 2 ** 32 - 1;

export type StreamCipher = (
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  output?: Uint8Array,
  counter?: number,
) => Uint8Array<ArrayBuffer>;

/** Would writing to `output` from its start on change what is still to be read of `input`? */
function runsAhead(output: Uint8Array, input: Uint8Array): boolean {
  return (
    bufferOf(input) === bufferOf(output) &&
    offsetOf(input) < offsetOf(output) &&
    offsetOf(output) < offsetOf(input) + lengthOf(input) &&
    lengthOf(output) > 0
  );
}

function streamCipher(nonceLength: number, run: typeof main.exports.chacha20): StreamCipher {
  return (key, nonce, data, output, counter = 0) => {
    checkBytes(key, "key");
    checkBytes(nonce, "nonce");
    checkBytes(data, "data");
    if (output !== undefined) {
      checkBytesOf(lengthOf(data), output, "output");
      if (runsAhead(output, data)) throw new OverlapError();
    }
    checkWhole(counter, "counter");
    checkBytesOf(KEY_BYTES, key, "key");
    if (lengthOf(nonce) !== nonceLength) throw new InvalidLengthError(`"nonce" expected ${nonceLength} bytes`);
    const blocks = Math.ceil(lengthOf(data) / BLOCK_BYTES);
    if (counter + Math.max(blocks, 1) > COUNTER_END) throw new CounterOverflowError();

    const result = (output ?? new Uint8Array(lengthOf(data))) as Uint8Array<ArrayBuffer>;
    const { bytes, args, staging } = main;
    try {
      bytes.set(key, args + KEY);
      bytes.set(nonce, args + NONCE);
      inChunks(main, data, (at, length) => {
        run(staging, staging, length, args + KEY, args + NONCE, counter + at / BLOCK_BYTES);
        copyInto(result, main.staged(length), at);
      });
      return result;
    } finally {
      main.wipe(Math.min(lengthOf(data), CHUNK_BYTES));
    }
  };
}

/** ChaCha20 with a 12-byte nonce, from block `counter` on. */
export const chacha20: StreamCipher = streamCipher(12, main.exports.chacha20);

/** XChaCha20 with a 24-byte nonce, from block `counter` on. */
export const xchacha20: StreamCipher = streamCipher(24, main.exports.xchacha20);
