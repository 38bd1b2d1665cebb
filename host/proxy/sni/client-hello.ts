/**
 * The server's name in a TLS ClientHello (RFC 8446 §4.1.2, RFC 6066 §3), and nothing else of it. The hello may be spread over
 * several records; all lengths are checked before they are used.
 */

/** More than any client sends, post-quantum key shares included. */
export const HELLO_BYTES_MAX = 16_384 + 5;
const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_RECORD = 22;
const TLS_MAJOR = 3;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

export type Hello =
  | { readonly kind: "more" }
  | { readonly kind: "invalid"; readonly why: string }
  | { readonly kind: "name"; readonly name: string };

const MORE: Hello = { kind: "more" };
const invalid = (why: string): Hello => ({ kind: "invalid", why });

/** Reads big-endian numbers and lengths; past the end it stays failed. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.failed || this.#at >= this.#bytes.length;
  }

  number(bytes: 1 | 2 | 3): number {
    let value = 0;
    for (const byte of this.take(bytes)) value = value * 256 + byte;
    return value;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (this.failed || end > this.#bytes.length) {
      this.failed = true;
      return new Uint8Array();
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** What a length of so many bytes in front says. */
  vector(lengthBytes: 1 | 2 | 3): Uint8Array {
    return this.take(this.number(lengthBytes));
  }
}

/** Type and length of a handshake message. */
const MESSAGE_HEADER_BYTES = 4;

const TOO_LONG = invalid("the ClientHello is too long");

/** Takes a stream in pieces as they come, each byte once: a hello in records of a byte each costs no more than any other. */
export class HelloReader {
  readonly #message = new Uint8Array(HELLO_BYTES_MAX);
  #length = 0;
  /** Of the record that comes. */
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
  #headerLength = 0;
  /** Bytes of the record that are still to come. */
  #left = 0;
  #taken = 0;

  /** @returns what the stream says so far; nothing is to be added after an answer other than "more" */
  add(piece: Uint8Array): Hello {
    for (let at = 0; at < piece.length; ) {
      if (this.#left === 0) {
        const why = this.#addToHeader(piece[at]!);
        if (why !== undefined) return invalid(why);
        at += 1;
        continue;
      }
      const part = piece.subarray(at, at + Math.min(this.#left, HELLO_BYTES_MAX - this.#length));
      this.#message.set(part, this.#length);
      this.#length += part.length;
      this.#left -= part.length;
      at += part.length;
      const hello = this.#read();
      if (hello !== MORE) return hello;
    }
    this.#taken += piece.length;
    return this.#taken >= HELLO_BYTES_MAX ? TOO_LONG : MORE;
  }

  /** @returns why it is no header */
  #addToHeader(byte: number): string | undefined {
    this.#header[this.#headerLength++] = byte;
    if (this.#headerLength === 1 && byte !== HANDSHAKE_RECORD) return "not TLS";
    if (this.#headerLength === 2 && byte !== TLS_MAJOR) return "an unknown version of TLS";
    if (this.#headerLength < RECORD_HEADER_BYTES) return undefined;
    this.#headerLength = 0;
    this.#left = (this.#header[3]! << 8) | this.#header[4]!;
    return this.#left === 0 ? "an empty record" : undefined;
  }

  /** What follows the hello (early data, say) is not looked at. */
  #read(): Hello {
    const message = this.#message;
    if (message[0] !== CLIENT_HELLO) return invalid("not a ClientHello");
    if (this.#length < MESSAGE_HEADER_BYTES) return MORE;
    const length = MESSAGE_HEADER_BYTES + ((message[1]! << 16) | (message[2]! << 8) | message[3]!);
    if (length > HELLO_BYTES_MAX) return TOO_LONG;
    if (this.#length < length) return this.#length === HELLO_BYTES_MAX ? TOO_LONG : MORE;
    return nameOf(new Reader(message.subarray(MESSAGE_HEADER_BYTES, length)));
  }
}

function nameOf(hello: Reader): Hello {
  hello.take(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  const extensions = new Reader(hello.vector(2));
  if (hello.failed) return invalid("a ClientHello without a server name");
  while (!extensions.done) {
    const type = extensions.number(2);
    const body = new Reader(extensions.vector(2));
    if (type !== SERVER_NAME || extensions.failed) continue;
    const names = new Reader(body.vector(2));
    while (!names.done) {
      const kind = names.number(1);
      const name = names.vector(2);
      if (kind === HOST_NAME && !names.failed) return checked(new TextDecoder("latin1").decode(name));
    }
  }
  return invalid("a ClientHello without a server name");
}

/** A name, not an address (RFC 6066 §3). */
function checked(name: string): Hello {
  return name.length <= 253 && /^(?!.*\.\d+$)(?!\d+$)[\w-]+(\.[\w-]+)*$/.test(name)
    ? { kind: "name", name: name.toLowerCase() }
    : invalid("a server name that no host can have");
}
