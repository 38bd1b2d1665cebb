/** What happens to a device, and who wants to know. Listeners run in a microtask, never inside of the device's own work. */
import type { WasmguardError } from "../errors.ts";

interface OfPeer {
  /** 32 bytes, a copy. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/**
 * Why there was no handshake, as far as it can be known from here. A peer that does not know our key, or has another preshared
 * key, does not answer either.
 */
export type HandshakeFailure = "no endpoint" | "cannot send" | "no answer";

export interface DeviceEvents {
  /** An initiation was sent, the `attempt`th in a row without an answer, from 1. */
  handshakeStarted: OfPeer & { readonly attempt: number; readonly endpoint: string | undefined };
  /** Session keys were agreed on. */
  handshake: OfPeer;
  /** No answer for 90 s: nothing more is tried until there is something to send. */
  handshakeFailed: OfPeer & { readonly reason: HandshakeFailure; readonly cause: unknown };
  /** What was sent to the peer had no answer for 15 s. */
  silent: OfPeer;
  /** A peer that was silent is heard again. */
  back: OfPeer;
  /** An authenticated message of the peer came from a new address, or the name of its endpoint has a new one. */
  endpoint: OfPeer & { readonly endpoint: string };
  /** Bytes so far of each peer whose figures changed; at most once a second for each. */
  traffic: OfPeer & { readonly rxBytes: bigint; readonly txBytes: bigint };
  /** What the Bind listens on is gone, so that nothing comes any more; or it is there again. */
  socket: { readonly state: "lost" | "found"; readonly cause: unknown };
  /** The Tun or the Bind failed, or a name cannot be looked up. The device goes on with what still works. */
  error: WasmguardError;
}

/** Is told in a line what happens. */
export type DebugHook = (line: string) => void;

export type EventType = keyof DeviceEvents;

export const EVENT_TYPES: readonly EventType[] = [
  "handshakeStarted",
  "handshake",
  "handshakeFailed",
  "silent",
  "back",
  "endpoint",
  "traffic",
  "socket",
  "error",
];

type Listener<K extends EventType> = (event: DeviceEvents[K]) => void;

export class Listeners {
  readonly #all = new Map<EventType, Set<Listener<never>>>();

  /** @returns what ends it */
  add<K extends EventType>(type: K, listener: Listener<K>): () => void {
    const set = this.#all.get(type) ?? new Set();
    this.#all.set(type, set);
    // Wrapped, so that one function may listen twice, and each ends by itself.
    const entry: Listener<K> = (event) => listener(event);
    set.add(entry as Listener<never>);
    return () => void set.delete(entry as Listener<never>);
  }

  has(type: EventType): boolean {
    return (this.#all.get(type)?.size ?? 0) > 0;
  }

  tell<K extends EventType>(type: K, event: DeviceEvents[K]): void {
    for (const listener of this.#all.get(type) ?? []) queueMicrotask(() => (listener as Listener<K>)(event));
  }
}
