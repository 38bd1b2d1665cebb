// What takes part in the comparison: a library, the way it is called, and for each primitive a function that gets the
// inputs once and returns the call to time. Setting up (key objects, memory) is done before timing wherever the library
// has a means to keep it; what a library makes its user repeat for every message is timed.

export type Primitive =
  | "aead-seal"
  | "aead-open"
  | "chacha20"
  | "poly1305"
  | "x25519-shared"
  | "x25519-public"
  | "blake2s";

/** Inputs of one case, the same for all contestants. Nobody may write into them. */
export interface Inputs {
  readonly key: Uint8Array; // 32 bytes
  readonly nonce: Uint8Array; // 12 bytes, 4 of them zero: batches count in the other 8
  readonly message: Uint8Array;
  readonly sealed: Uint8Array; // message sealed with key and nonce: ciphertext | tag
  readonly secretKey: Uint8Array; // X25519
  readonly publicKey: Uint8Array; // X25519, somebody else's
}

export interface Prepared {
  /** Done before each run and not timed: brings back what the run before used up. */
  before?(): void;
  /** What is timed. A promise only where the library offers nothing else. */
  run(): unknown;
  /** The bytes that the last run made, if not what `run` returned. */
  result?(): Uint8Array;
  /** How often one run does the operation, for batches. */
  readonly operations?: number;
}

export type Prepare = (inputs: Inputs) => Prepared | Promise<Prepared>;

export interface Contestant {
  /** Name of the package, or of the runtime's own module. */
  readonly library: string;
  /** How it is called, where there is more than one way. */
  readonly variant?: string;
  /** `portable` runs everywhere; `native` is the runtime's own compiled code. */
  readonly kind: "ours" | "portable" | "native";
  readonly primitives: Partial<Record<Primitive, Prepare>>;
}
