// DH of our static key with those of four peers at once: each is the one that it would be singly, and nothing else is left.
import { x25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { publicKeyOf } from "../../reference/noise.ts";
import { BUILDS, type Build, loadDevice } from "./core.ts";
import { random32 } from "./pairs.ts";

const FOUR = [1, 2, 5, 6] as const;
const LOW_ORDER = 5;

describe.each(Object.keys(BUILDS) as Build[])("static keys of four (%s)", (build) => {
  it("come each to their own, and one of low order to nothing", async () => {
    const { core, privateKey } = await loadDevice(build);
    const keys = FOUR.map((peer) => (peer === LOW_ORDER ? new Uint8Array(32) : publicKeyOf(random32())));
    FOUR.forEach((peer, i) => {
      core.addPeer(peer, keys[i]!);
    });
    core.precomputeFour(FOUR);
    FOUR.forEach((peer, i) => {
      if (peer !== LOW_ORDER) expect(core.occurrences(x25519.getSharedSecret(privateKey, keys[i]!))).toBe(1);
      expect(core.precompute(peer), "from what is stored").toBe(peer !== LOW_ORDER);
    });
  });

  it("are computed anew for a new private key, and not without one", async () => {
    const { core, privateKey } = await loadDevice(build);
    const key = publicKeyOf(random32());
    for (const peer of FOUR) core.addPeer(peer, peer === 1 ? key : publicKeyOf(random32()));
    core.precomputeFour(FOUR);
    const later = random32();
    core.setPrivateKey(new Uint8Array(32));
    core.precomputeFour(FOUR);
    core.setPrivateKey(later);
    const shared = [privateKey, later].map((ours) => x25519.getSharedSecret(ours, key));
    expect(shared.map((secret) => core.occurrences(secret))).toEqual([0, 0]);
    core.precomputeFour(FOUR);
    expect(shared.map((secret) => core.occurrences(secret))).toEqual([0, 1]);
  });
});
