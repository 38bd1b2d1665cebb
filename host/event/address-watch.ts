/**
 * Whether the local addresses that sockets are bound to are still there. A socket whose address was taken from the machine
 * hears nothing more, and no runtime says so. Looked at once a second: none of them tells of changes either.
 */
import { networkInterfaces } from "node:os";
import { ascii } from "../address/ascii.ts";
import { formatAddress, parseAddress } from "../address/ip.ts";

const LOOK_MS = 1000;

export class AddressWatch {
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Begin, with those of `addresses` that an interface has: wildcards, and addresses of whole local ranges (127.0.0.2), are no
   * interface's.
   */
  start(addresses: readonly string[], changed: (address: string, state: "lost" | "found") => void): void {
    this.stop();
    const before = localAddresses();
    const present = new Map(
      addresses.map(canonical).flatMap((address) => (before?.has(address) ? [[address, true]] : [])),
    );
    if (present.size === 0) return;
    this.#timer = setInterval(() => {
      const now = localAddresses();
      if (now === undefined) return this.stop();
      for (const [address, was] of present) {
        const is = now.has(address);
        if (is === was) continue;
        present.set(address, is);
        changed(address, is ? "found" : "lost");
      }
    }, LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Whether an interface has an address of the family, so far as this program may ask: a machine without any lacks the family. */
export function mayHaveFamily(family: 4 | 6): boolean {
  const all = localAddresses();
  return all === undefined || [...all].some((address) => address.includes(":") === (family === 6));
}

/** @returns undefined if this program may not ask (Deno without --allow-sys) */
function localAddresses(): Set<string> | undefined {
  try {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    return new Set(all.map(({ address }) => canonical(address)));
  } catch {
    return undefined;
  }
}

/** In one spelling, without a zone. */
function canonical(text: string): string {
  const host = ascii(text.split("%")[0]!);
  const address = parseAddress(host, 0, host.length);
  return address === undefined ? text : formatAddress(address);
}
