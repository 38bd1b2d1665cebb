/** What the ends of a measurement are told, and what they tell. */
import type { Contestant } from "./results.ts";

export const PACKET_BYTES = 1420;

export interface EndOptions {
  /** The built package: a folder with dist/. */
  readonly root: string;
  readonly role: "sender" | "receiver";
  readonly contestant: Contestant;
  readonly seconds: number;
}

export interface EndResult {
  readonly seconds: number;
  readonly packets: number;
  readonly lost: number;
  readonly cpuSeconds: number;
}

export interface CipherOptions {
  readonly root: string;
}

/** Microseconds a packet. */
export interface CipherResult {
  readonly seal: number;
  readonly open: number;
}

export interface FirstOptions {
  readonly root: string;
  readonly driver: "ffi" | "portable";
}

export interface MemoryOptions extends FirstOptions {
  /** Devices, ascending. */
  readonly counts: readonly number[];
}
