// Answers with a table of the peer's key, with both, one and none of two: the initiator takes each. A table is gone with its peer.
import { describe, expect, it } from "vitest";
import { PEER_PUBLIC_KEY } from "../../../assembly/abi.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../reference/noise.ts";
import { BUILDS, type Build, loadDevice } from "./core.ts";
import { random32, SECONDS } from "./pairs.ts";

const ONE = 2;
const OTHER = 5;
const TWISTED = 2; // v² = u³ + 486662 u² + u has no solution for this u

async function load(build: Build, threads = 2) {
  const { core, publicKey } = await loadDevice(build, threads);
  const privateKeys = new Map<number, Uint8Array>();
  let ours = publicKey;
  let now = 1000;

  const add = (peer: number) => {
    const privateKey = random32();
    privateKeys.set(peer, privateKey);
    core.addPeer(peer, publicKeyOf(privateKey));
  };

  /** An initiation of the peer, taken. @returns who sent it */
  const initiate = (peer: number) => {
    now += 1000;
    const initiator = new ReferenceInitiator(privateKeys.get(peer)!, ours);
    const times = timestamp(SECONDS + now, 0);
    const message = initiator.createInitiation(times, { ephemeral: random32(), senderIndex: peer });
    expect(core.consumeInitiation(message, now)).toBe(peer);
    return initiator;
  };

  return {
    core,
    add,
    replace: (peer: number) => {
      core.removePeer(peer);
      add(peer);
    },
    become: (privateKey: Uint8Array) => {
      core.setPrivateKey(privateKey);
      ours = publicKeyOf(privateKey);
    },
    /** Both are answered together, and then each alone. */
    answer: () => {
      const initiators = [ONE, OTHER].map(initiate);
      core.fillRandom();
      expect(core.answerAhead(ONE, OTHER)).toBe(true);
      [ONE, OTHER].forEach((peer, i) => {
        initiators[i]!.consumeResponse(core.createResponse(peer)!);
      });
      for (const peer of [ONE, OTHER]) {
        const initiator = initiate(peer);
        core.fillRandom();
        initiator.consumeResponse(core.createResponse(peer)!);
      }
    },
    /** Which of both have a table. */
    tables: () => [ONE, OTHER].map((peer) => core.exports.combOf(peer) !== 0),
  };
}

describe.each(Object.keys(BUILDS) as Build[])("tables of peers' keys (%s)", (build) => {
  it("of none, one and both", async () => {
    const { core, add, answer, tables } = await load(build);
    [ONE, OTHER].forEach(add);
    for (const [made, expected] of [
      [[], [false, false]],
      [
        [OTHER, OTHER],
        [false, true],
      ],
      [
        [ONE, OTHER],
        [true, true],
      ],
    ] as const) {
      if (made.length > 0) core.makeCombs(made[0]!, made[1]!);
      expect(tables()).toEqual(expected);
      answer();
    }
  });

  it("are gone with the peer, whoever takes its slot, and stay when our key changes", async () => {
    const { core, add, replace, become, answer, tables } = await load(build);
    [ONE, OTHER].forEach(add);
    core.makeCombs(ONE, OTHER);
    replace(ONE);
    expect(tables()).toEqual([false, true]);
    answer();
    core.makeCombs(OTHER, ONE);
    become(random32());
    expect(tables()).toEqual([true, true]);
    answer();
    [OTHER, ONE].forEach(replace);
    expect(tables()).toEqual([false, false]);
    answer();
    core.makeCombs(ONE, ONE);
    expect(tables()).toEqual([true, false]);
    answer();
  });

  it("are not tried again where there cannot be one, until the peer is another", async () => {
    const { core, replace, tables } = await load(build);
    core.addPeer(ONE, new Uint8Array(32).fill(TWISTED, 0, 1));
    core.addPeer(OTHER, new Uint8Array(32)); // of small order
    core.makeCombs(ONE, OTHER);
    const keys = [ONE, OTHER].map((peer) => core.exports.peerAddress(peer) + PEER_PUBLIC_KEY);
    // Had it looked at the keys again, it would have found good ones.
    const twisted = keys.map((key) => core.slice(key, 32));
    for (const key of keys) core.bytes.set(publicKeyOf(random32()), key);
    core.makeCombs(ONE, OTHER);
    expect(tables()).toEqual([false, false]);
    twisted.forEach((key, i) => {
      core.bytes.set(key, keys[i]!);
    });
    [ONE, OTHER].forEach(replace);
    core.makeCombs(ONE, OTHER);
    expect(tables()).toEqual([true, true]);
  });

  it("are not made of a key that cannot have one, nor where there is one thread", async () => {
    const { core, tables } = await load(build);
    const twisted = new Uint8Array(32).fill(TWISTED, 0, 1);
    core.addPeer(ONE, twisted);
    core.addPeer(OTHER, new Uint8Array(32)); // of small order
    core.makeCombs(ONE, OTHER);
    expect(tables()).toEqual([false, false]);
    const single = await load(build, 1);
    [ONE, OTHER].forEach(single.add);
    const before = single.core.snapshot();
    single.core.makeCombs(ONE, OTHER);
    expect(single.core.snapshot().equals(before)).toBe(true);
    single.answer();
  });
});
