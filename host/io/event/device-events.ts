/** What happens to a device, and who wants to know. Listeners run in a microtask, never inside of the device's own work. */
import type { WasmguardError } from "../../errors.ts";

export interface DeviceEvents {
  /** Session keys were agreed on. */
  handshake: { readonly publicKey: Uint8Array };
  /** An authenticated message of the peer came from a new address. */
  endpoint: { readonly publicKey: Uint8Array; readonly endpoint: string };
  /** The Tun or the Bind failed. The device goes on with what still works. */
  error: WasmguardError;
}

export class Listeners {
  readonly #all: { [K in keyof DeviceEvents]: Set<(event: DeviceEvents[K]) => void> } = {
    handshake: new Set(),
    endpoint: new Set(),
    error: new Set(),
  };

  /** @returns what ends it */
  add<K extends keyof DeviceEvents>(type: K, listener: (event: DeviceEvents[K]) => void): () => void {
    this.#all[type].add(listener);
    return () => void this.#all[type].delete(listener);
  }

  tell<K extends keyof DeviceEvents>(type: K, event: DeviceEvents[K]): void {
    for (const listener of this.#all[type]) queueMicrotask(() => listener(event));
  }
}
