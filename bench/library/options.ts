/** What the ends of a tunnel are told, and what they tell. */
export const PACKET_BYTES = 1420;

export interface EndOptions {
  /** The built package: a folder with dist/. */
  readonly root: string;
  readonly role: "sender" | "receiver";
  /** Undefined: a package that does not know the option. */
  readonly driver: "ffi" | "portable" | undefined;
  readonly seconds: number;
}

export interface Acquaintance {
  readonly publicKey: string;
  readonly port: number;
}

export interface EndResult {
  readonly seconds: number;
  readonly packets: number;
  readonly lost: number;
  readonly cpuSeconds: number;
}

export interface FirstOptions {
  readonly root: string;
  readonly driver: "ffi" | "portable";
}

export interface MemoryOptions extends FirstOptions {
  /** Devices, ascending. */
  readonly counts: readonly number[];
}
