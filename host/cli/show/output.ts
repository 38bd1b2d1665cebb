/**
 * Text on its way to stdout, a file or a socket. Secret keys are appended as bytes, never as strings; everything is wiped once written.
 */
import { joinAndWipe } from "../../keys/join-and-wipe.ts";
import { KEY_HEX_CHARS, keyToBase64, keyToHex, secretBytes } from "../../keys/text.ts";
import { print } from "../print.ts";

export class Output {
  private readonly parts: (string | Uint8Array)[] = [];

  text(text: string): this {
    this.parts.push(text);
    return this;
  }

  /** Append bytes, which are wiped once written. */
  raw(bytes: Uint8Array): this {
    this.parts.push(bytes);
    return this;
  }

  /** Append a key, base64. The key itself is not kept. */
  key(key: Uint8Array): this {
    this.parts.push(keyToBase64(key));
    return this;
  }

  /** Append a key, hex. The key itself is not kept. */
  hexKey(key: Uint8Array): this {
    const text = secretBytes(KEY_HEX_CHARS);
    keyToHex(text, 0, key);
    this.parts.push(text);
    return this;
  }

  /** Everything so far as one buffer, which the caller wipes; the parts are wiped here. */
  take(): Uint8Array {
    const pieces: Uint8Array[] = [];
    let run = "";
    const endRun = (): void => {
      if (run !== "") pieces.push(Buffer.from(run));
      run = "";
    };
    for (const part of this.parts) {
      if (typeof part === "string") run += part;
      else {
        endRun();
        pieces.push(part);
      }
    }
    endRun();
    this.parts.length = 0;
    return joinAndWipe(pieces);
  }

  /** Write everything so far to stdout. */
  flush(): void {
    const whole = this.take();
    try {
      print(whole);
    } finally {
      whole.fill(0);
    }
  }
}
