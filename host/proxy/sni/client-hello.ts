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

/** Bytes of the whole message whose header these begin with; more than there can be while the header is not there. */
function messageBytes(start: Uint8Array): number {
  if (start.length < MESSAGE_HEADER_BYTES) return HELLO_BYTES_MAX;
  return MESSAGE_HEADER_BYTES + ((start[1]! << 16) | (start[2]! << 8) | start[3]!);
}

/** The handshake message that the records carry, as far as it has come. What follows it (early data, say) is not looked at. */
function handshakeBytes(stream: Uint8Array): Uint8Array | string {
  let message: Uint8Array = new Uint8Array();
  for (let at = 0; at < stream.length && message.length < messageBytes(message); ) {
    if (stream[at] !== HANDSHAKE_RECORD) return "not TLS";
    if (stream.length > at + 1 && stream[at + 1] !== TLS_MAJOR) return "an unknown version of TLS";
    if (stream.length < at + RECORD_HEADER_BYTES) break;
    const length = (stream[at + 3]! << 8) | stream[at + 4]!;
    if (length === 0) return "an empty record";
    const start = at + RECORD_HEADER_BYTES;
    message = Buffer.concat([message, stream.subarray(start, start + length)]);
    at = start + length;
  }
  return message;
}

/** @param stream the first bytes of a connection */
export function readHello(stream: Uint8Array): Hello {
  const handshake = handshakeBytes(stream);
  if (typeof handshake === "string") return invalid(handshake);
  const full = stream.length >= HELLO_BYTES_MAX;
  if (handshake.length >= 1 && handshake[0] !== CLIENT_HELLO) return invalid("not a ClientHello");
  if (handshake.length < MESSAGE_HEADER_BYTES) return full ? invalid("the ClientHello is too long") : MORE;
  const length = messageBytes(handshake);
  if (length > HELLO_BYTES_MAX) return invalid("the ClientHello is too long");
  if (handshake.length < length) return full ? invalid("the ClientHello is too long") : MORE;
  return nameOf(new Reader(handshake.subarray(MESSAGE_HEADER_BYTES, length)));
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
