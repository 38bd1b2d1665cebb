// The three keypairs of a peer: who becomes what, what is wiped, and the limits of one.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { type LoadedCore, loadTransportCore } from "./core.ts";

const PEER = 1;
const INITIATOR = 1;
const RESPONDER = 0;
const NOBODY = -1; // NO_OWNER as i32
const REJECT_AFTER_MESSAGES = 2n ** 64n - 1n - 8128n - 1n;
let loaded: LoadedCore;

beforeAll(async () => {
  loaded = await loadTransportCore(4, 16);
});
beforeEach(() => loaded.core.clearKeypairs(PEER));

/** Marks of the keypairs in their roles; 0 where there is none. */
function roles(): { current: number; previous: number; next: number } {
  const { core, memory } = loaded;
  const view = new DataView(memory.buffer);
  const mark = (field: number): number => {
    const number = view.getUint32(core.peerAddress(PEER) + field, true);
    return number === 0 ? 0 : view.getUint8(core.keypairAddress(PEER, number));
  };
  return { current: mark(abi.PEER_CURRENT), previous: mark(abi.PEER_PREVIOUS), next: mark(abi.PEER_NEXT) };
}

/** A keypair marked `mark`, which also is its index. @returns its number */
const begin = (initiator: number, mark: number, now = 0): number =>
  loaded.core.beginKeypair(PEER, initiator, mark, mark, now);

const liveIndices = (...marks: number[]): number[] =>
  marks.filter((mark) => (loaded.core.findIndex(mark) | 0) !== NOBODY);

/** Bytes that are not zero in all three slots. */
function remains(): number {
  const start = loaded.core.keypairAddress(PEER, 1);
  const bytes = new Uint8Array(loaded.memory.buffer, start, 3 * loaded.core.keypairBytes());
  return bytes.filter((byte) => byte !== 0).length;
}

describe("rotation", () => {
  it("an initiator uses the new keypair at once and keeps the old one for what is late", () => {
    begin(INITIATOR, 1);
    expect(roles()).toEqual({ current: 1, previous: 0, next: 0 });
    begin(INITIATOR, 2);
    expect(roles()).toEqual({ current: 2, previous: 1, next: 0 });
    begin(INITIATOR, 3);
    expect(roles()).toEqual({ current: 3, previous: 2, next: 0 });
    expect(liveIndices(1, 2, 3)).toEqual([2, 3]);
  });

  it("a responder waits for the initiator's first message", () => {
    begin(INITIATOR, 1);
    begin(INITIATOR, 2);
    const number = begin(RESPONDER, 3);
    expect(roles()).toEqual({ current: 2, previous: 0, next: 3 });
    expect(loaded.core.confirmKeypair(PEER, number)).toBe(1);
    expect(roles()).toEqual({ current: 3, previous: 2, next: 0 });
    expect(loaded.core.confirmKeypair(PEER, number)).toBe(0);
    expect(liveIndices(1, 2, 3)).toEqual([2, 3]);
  });

  it("a responder's newer keypair replaces one that was never confirmed", () => {
    begin(RESPONDER, 1);
    begin(RESPONDER, 2);
    expect(roles()).toEqual({ current: 0, previous: 0, next: 2 });
    expect(liveIndices(1, 2)).toEqual([2]);
  });

  it("an initiator keeps an unconfirmed keypair as previous, and drops current", () => {
    begin(INITIATOR, 1);
    begin(RESPONDER, 2);
    begin(INITIATOR, 3);
    expect(roles()).toEqual({ current: 3, previous: 2, next: 0 });
    expect(liveIndices(1, 2, 3)).toEqual([2, 3]);
  });

  it("nothing is confirmed by a message under current or previous", () => {
    const previous = begin(INITIATOR, 1);
    const current = begin(INITIATOR, 2);
    expect([previous, current].map((number) => loaded.core.confirmKeypair(PEER, number))).toEqual([0, 0]);
    begin(RESPONDER, 3);
    expect(loaded.core.confirmKeypair(PEER, current)).toBe(0);
  });

  it("a confirmation that is only noted counts for whoever sends, though the roles change later", () => {
    const { core } = loaded;
    const old = begin(INITIATOR, 1);
    const number = begin(RESPONDER, 2);
    expect(core.keypairInUse(PEER)).toBe(old);
    expect(core.noteConfirmed(PEER, number)).toBe(1);
    expect(roles()).toEqual({ current: 1, previous: 0, next: 2 });
    expect(core.keypairInUse(PEER)).toBe(number);
    core.confirmNoted(PEER);
    expect(roles()).toEqual({ current: 2, previous: 1, next: 0 });
    expect(core.keypairInUse(PEER)).toBe(number);
  });

  it("a noted confirmation is made good before the next keypair comes", () => {
    begin(INITIATOR, 1);
    loaded.core.noteConfirmed(PEER, begin(RESPONDER, 2));
    begin(RESPONDER, 3);
    expect(roles()).toEqual({ current: 2, previous: 0, next: 3 });
    expect(liveIndices(1, 2, 3)).toEqual([2, 3]);
  });

  it("dropped keypairs leave no byte", () => {
    begin(INITIATOR, 1);
    begin(RESPONDER, 2);
    begin(INITIATOR, 3);
    loaded.core.retireKeypairs(PEER);
    loaded.core.ageKeypairs(PEER, 1_000);
    loaded.core.clearKeypairs(PEER);
    expect(remains()).toBe(0);
    expect(liveIndices(1, 2, 3)).toEqual([]);
  });
});

describe("limits of a keypair", () => {
  it("sends until it is 180 s old", () => {
    const number = begin(INITIATOR, 1, 1_000);
    expect(loaded.core.canSend(PEER, number, 180_999)).toBe(1);
    expect(loaded.core.canSend(PEER, number, 181_000)).toBe(0);
  });

  it("ages while the machine sleeps", () => {
    const number = begin(INITIATOR, 1, 1_000);
    loaded.core.ageKeypairs(PEER, 100_000);
    expect(loaded.core.canSend(PEER, number, 80_999)).toBe(1);
    expect(loaded.core.canSend(PEER, number, 81_000)).toBe(0);
  });

  it("sends no more once retired", () => {
    const number = begin(INITIATOR, 1);
    loaded.core.retireKeypairs(PEER);
    expect(loaded.core.canSend(PEER, number, 1)).toBe(0);
  });

  it("gives out counters up to the reject limit, none after", () => {
    const { core } = loaded;
    const take = (number: number, count: number): bigint => BigInt.asUintN(64, core.takeCounters(PEER, number, count));
    const number = begin(INITIATOR, 1);
    expect([take(number, 1), take(number, 45), take(number, 1)]).toEqual([0n, 1n, 46n]);
    core.setSendingCounter(PEER, number, REJECT_AFTER_MESSAGES - 3n);
    expect(take(number, 2)).toBe(REJECT_AFTER_MESSAGES - 3n);
    expect(take(number, 2)).toBe(REJECT_AFTER_MESSAGES);
    expect(core.canSend(PEER, number, 1)).toBe(0);
    expect(take(number, 1)).toBe(REJECT_AFTER_MESSAGES);
  });
});
