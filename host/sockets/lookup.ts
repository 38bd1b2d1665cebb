/** Names to addresses inside the tunnel, in the shapes of node:dns. */
import { errorCode } from "../error-code.ts";
import { IpAddress } from "../net/address.ts";
import type { LookupResult, Resolver } from "../net/dns/resolver.ts";
import { sortDestinations } from "../net/ip/selection.ts";
import { checkCallback } from "./arguments.ts";
import type { Family } from "./dial.ts";
import { nameError, socketError } from "./socket-errors.ts";

export interface LookupOptions {
  readonly family?: Family | 4 | 6 | "IPv4" | "IPv6" | undefined;
  readonly all?: boolean | undefined;
}

export interface LookupAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;

export class Lookups {
  readonly #resolver: Resolver;
  readonly #own: readonly IpAddress[];
  /** Families in the order they are preferred in. */
  readonly #preferred: readonly (4 | 6)[] | undefined;

  /** @param own our addresses @param preferred undefined: as RFC 6724 sorts them */
  constructor(resolver: Resolver, own: readonly IpAddress[], preferred?: readonly (4 | 6)[]) {
    this.#resolver = resolver;
    this.#own = own;
    this.#preferred = preferred;
  }

  /** Of one kind, as dns.resolve4 and dns.resolve6. @throws an error with a code of node:dns */
  resolve(name: string, family: 4 | 6, signal?: AbortSignal): Promise<readonly IpAddress[]> {
    return new Promise((done, fail) => {
      if (signal?.aborted) return fail(signal.reason);
      const aborted = (): void => {
        abandon();
        fail(signal?.reason);
      };
      const abandon = this.#resolver.resolve(name, family === 4 ? "A" : "AAAA", (result: LookupResult) => {
        signal?.removeEventListener("abort", aborted);
        if (typeof result !== "string") done(result);
        else fail(Object.assign(socketError(result, family === 4 ? "queryA" : "queryAaaa"), { hostname: name }));
      });
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }

  /** The best first. @throws an error with a code of dns.lookup: ENOTFOUND, EAI_AGAIN */
  async lookup(name: string, family: Family = 0, signal?: AbortSignal): Promise<readonly IpAddress[]> {
    const literal = IpAddress.parse(name);
    if (literal !== undefined) return [literal];
    const usable = ([6, 4] as const).filter(
      (each) => (family === 0 || family === each) && this.#own.some((address) => address.family === each),
    );
    const answers = await Promise.allSettled(usable.map((each) => this.resolve(name, each, signal)));
    signal?.throwIfAborted();
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (found.length > 0) return this.#sorted(found);
    const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [errorCode(answer.reason)] : []));
    const again = reasons.some((code) => code !== "ENOTFOUND" && code !== "ENODATA" && code !== "EBADNAME");
    throw nameError(again ? "EAI_AGAIN" : "ENOTFOUND", name);
  }

  #sorted(found: readonly IpAddress[]): readonly IpAddress[] {
    const sorted = sortDestinations([...found], this.#own);
    const order = this.#preferred;
    return order === undefined
      ? sorted
      : [...sorted].sort((left, right) => order.indexOf(left.family) - order.indexOf(right.family));
  }

  /** In the shape of dns.lookup: `lookup(name, [options,] callback)`. */
  readonly callback = (name: string, options: LookupOptions | number | LookupCallback, then?: LookupCallback): void => {
    const callback = typeof options === "function" ? options : then;
    checkCallback(callback);
    const given: LookupOptions = typeof options === "object" && options !== null ? options : {};
    const asked = typeof options === "number" ? options : given.family;
    const family: Family = asked === 4 || asked === "IPv4" ? 4 : asked === 6 || asked === "IPv6" ? 6 : 0;
    this.lookup(name, family).then(
      (found) => {
        const all = found.map((address) => ({ address: address.toString(), family: address.family }));
        if (given.all) callback(null, all);
        else callback(null, all[0]!.address, all[0]!.family);
      },
      (error: Error) => callback(error),
    );
  };
}
