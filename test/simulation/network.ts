/**
 * The network between the machines: it loses, delays, reorders, duplicates and alters datagrams, sends old ones again
 * and makes up new ones, all as a seeded generator says. Once healed it delivers everything, a little late.
 */
import * as abi from "../../assembly/abi.ts";
import type { Endpoint } from "../../host/core/core.ts";
import type { Original } from "./observer.ts";
import type { Random } from "./random.ts";

export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  /** Of datagrams that arrived before, from anywhere. */
  readonly replay: number;
  readonly forgery: number;
  /** Milliseconds one way. */
  readonly delay: number;
  /** Up to so many more, for each datagram anew. */
  readonly jitter: number;
}

/** After the healing: 40 ms one way at the most. */
export const FAIR: Weather = {
  loss: 0,
  duplication: 0,
  corruption: 0,
  replay: 0,
  forgery: 0,
  delay: 30,
  jitter: 10,
};

/** A datagram on its way. */
export interface Transit {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** What it is a copy of, to the last bit; undefined if altered or made up. */
  readonly original: Original | undefined;
}

export function stormy(random: Random): Weather {
  const often = random.pick([0.05, 0.2]);
  return {
    loss: random.pick([0, 0.05, 0.3, 0.6]),
    duplication: random.between(0, often),
    corruption: random.between(0, often),
    replay: random.between(0, often),
    forgery: random.between(0, often),
    delay: random.pick([1, 30, 300]),
    jitter: random.pick([0, 20, 800]),
  };
}

const REMEMBERED = 64;

export class Network {
  weather: Weather;
  readonly #random: Random;
  readonly #arrive: (transit: Transit, delay: number) => void;
  /** Some of what was sent, to be sent again. */
  readonly #past: Transit[] = [];

  constructor(random: Random, weather: Weather, arrive: (transit: Transit, delay: number) => void) {
    this.#random = random;
    this.weather = weather;
    this.#arrive = arrive;
  }

  send(transit: Transit): void {
    const { weather } = this;
    const random = this.#random;
    this.#remember(transit);
    if (!random.chance(weather.loss)) this.#deliver(transit);
    if (random.chance(weather.duplication)) this.#deliver(transit);
    if (random.chance(weather.corruption)) this.#deliver(this.#altered(transit));
    if (random.chance(weather.replay)) this.#replay();
    if (random.chance(weather.forgery)) this.#deliver(this.#forged(transit));
  }

  #deliver(transit: Transit): void {
    this.#arrive(transit, this.weather.delay + this.#random.between(0, this.weather.jitter));
  }

  #remember(transit: Transit): void {
    if (this.#past.length < REMEMBERED) this.#past.push(transit);
    else this.#past[this.#random.whole(0, REMEMBERED - 1)] = transit;
  }

  /**
   * An old datagram, up to minutes later. From a stranger's address only when its receiver has had it, and can tell:
   * who comes first with a genuine datagram is followed, as roaming means, and a restarted machine knows no timestamps.
   */
  #replay(): void {
    const { bytes, from, to, original } = this.#random.pick(this.#past);
    const known = bytes[0] === abi.MESSAGE_TRANSPORT && original!.receivedBy.size > 0;
    const past = { bytes, from: known && this.#random.chance(0.5) ? this.#stranger() : from, to, original };
    const later = this.#random.between(0, this.#random.pick([100, 10_000, 200_000]));
    this.#arrive(past, later);
  }

  #altered({ bytes, from, to }: Transit): Transit {
    const altered = Uint8Array.from(bytes);
    // mac2 says nothing to a receiver that is not under load: a change there may go unnoticed, and harmlessly.
    const covered = bytes[0] === abi.MESSAGE_TRANSPORT ? bytes.length : bytes.length - 16;
    if (this.#random.chance(0.2)) {
      return { bytes: altered.subarray(0, this.#random.whole(0, covered - 1)), from, to, original: undefined };
    }
    const at = this.#random.whole(0, covered - 1);
    altered[at]! ^= 1 << this.#random.whole(0, 7);
    return { bytes: altered, from, to, original: undefined };
  }

  /** Something of the right type, size and index, and nothing else right. */
  #forged({ bytes, from, to }: Transit): Transit {
    const forged = this.#random.bytes(bytes.length);
    forged.set(bytes.subarray(0, this.#random.pick([4, 8, 12])));
    return { bytes: forged, from: this.#random.chance(0.5) ? from : this.#stranger(), to, original: undefined };
  }

  #stranger(): Endpoint {
    return { address: Uint8Array.of(203, 0, 113, this.#random.whole(1, 254)), port: 7, scope: 0 };
  }
}
