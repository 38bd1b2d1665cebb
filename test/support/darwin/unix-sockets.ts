/** Unix stream sockets of the stand-in: what listens at a path, and the two ends of a connection. */
import { Descriptor, Messages } from "./descriptor.ts";
import { Failure } from "./errno.ts";
import type { Mac } from "./mac.ts";

/** Bytes that a connection keeps for who reads late. */
const BUFFER_BYTES = 8192;

/** The daemon's side of a connection. The other is a test's. */
export class UnixStream extends Descriptor {
  #incoming = new Uint8Array(0);
  #outgoing = new Uint8Array(0);
  #clientIsDone = false;
  #clientIsGone = false;
  closed = false;

  override get waiting(): number {
    return this.#incoming.length;
  }

  override get isReadable(): boolean {
    return this.#incoming.length > 0 || this.#clientIsDone;
  }

  override get isWritable(): boolean {
    return this.#outgoing.length < BUFFER_BYTES || this.#clientIsGone;
  }

  override read(capacity: number): Uint8Array {
    if (this.#incoming.length === 0 && !this.#clientIsDone) throw new Failure("EAGAIN");
    const bytes = this.#incoming.slice(0, capacity);
    this.#incoming = this.#incoming.slice(bytes.length);
    return bytes;
  }

  override write(bytes: Uint8Array): number {
    if (this.#clientIsGone) throw new Failure("EPIPE");
    const room = BUFFER_BYTES - this.#outgoing.length;
    if (room === 0) throw new Failure("EAGAIN");
    this.#outgoing = Uint8Array.from([...this.#outgoing, ...bytes.subarray(0, room)]);
    return Math.min(room, bytes.length);
  }

  override close(): void {
    this.closed = true;
  }

  // The test's side.

  send(text: string): void {
    this.#incoming = Uint8Array.from([...this.#incoming, ...new TextEncoder().encode(text)]);
  }

  /** What has come so far. */
  take(): string {
    const text = new TextDecoder().decode(this.#outgoing);
    this.#outgoing = new Uint8Array(0);
    return text;
  }

  /** No more is sent. */
  end(): void {
    this.#clientIsDone = true;
  }

  leave(): void {
    this.#clientIsDone = true;
    this.#clientIsGone = true;
  }
}

/** A unix socket that is bound to a path, once `bind` was called. */
export class UnixListenerFile extends Descriptor {
  readonly backlog = new Messages<UnixStream>();
  readonly #mac: Mac;
  mode = 0;
  listens = false;
  #open = true;

  constructor(mac: Mac) {
    super();
    this.#mac = mac;
  }

  bind(path: string, umask: number): void {
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!this.#mac.folders.has(folder)) throw new Failure("ENOENT", folder);
    if (this.#mac.files.has(path)) throw new Failure("EADDRINUSE", path);
    this.mode = 0o777 & ~umask;
    this.#mac.addFile(path, this);
  }

  /** As connect(2) on the file. */
  connect(): UnixStream {
    if (!this.listens || !this.#open) throw new Failure("ECONNREFUSED");
    const stream = new UnixStream();
    this.backlog.push(stream);
    return stream;
  }

  override get waiting(): number {
    return this.backlog.length;
  }

  override close(): void {
    this.#open = false;
  }
}
