// Two answers have what they take of X25519 computed at once, and of random bytes drawn; each is the one that it would be alone, and nothing is left.
import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../reference/noise.ts";
import { BUILDS, type Build, type Core } from "./core.ts";
import { loadPair, PEER, random32, referenceInitiation, SECONDS } from "./pairs.ts";

const OTHER = 5;

async function load(build: Build) {
  const pair = await loadPair(build);
  const { core, publicKey } = pair;
  const privateKey = random32();
  const presharedKey = random32();
  core.addPeer(OTHER, publicKeyOf(privateKey), presharedKey);
  const other = new ReferenceInitiator(privateKey, publicKey, presharedKey);
  const message = other.createInitiation(timestamp(SECONDS, 0), { ephemeral: random32(), senderIndex: 9 });
  const { initiator, message: first } = referenceInitiation(pair);
  return { pair, core, initiator, other, messages: [first, message] as const };
}

/** Take both, and compute for both answers. @returns the random bytes of that */
function ahead(core: Core, messages: readonly Uint8Array[], one = PEER, other = OTHER): Uint8Array {
  for (const message of messages) core.consumeInitiation(message);
  const random = core.fillRandom();
  core.answerAhead(one, other);
  return random;
}

const ephemeralOf = (response: Uint8Array) => response.slice(12, 44);
const indexOf = (response: Uint8Array) => response.slice(4, 8);

describe.each(Object.keys(BUILDS) as Build[])("answers at once (%s)", (build) => {
  it.each(["first, second", "second, first"])("are each the right one: %s", async (order) => {
    const { core, initiator, other, messages } = await load(build);
    const random = ahead(core, messages);
    expect(core.nothingAnswered).toBe(false);
    const peers = order === "first, second" ? [PEER, OTHER] : [OTHER, PEER];
    const made = new Map(peers.map((peer) => [peer, core.createResponse(peer)!]));
    expect(core.nothingAnswered).toBe(true);
    expect(ephemeralOf(made.get(PEER)!)).toEqual(publicKeyOf(random.slice(0, 32)));
    expect(indexOf(made.get(PEER)!)).toEqual(random.slice(32, 36));
    expect(ephemeralOf(made.get(OTHER)!)).toEqual(publicKeyOf(random.slice(64, 96)));
    expect(indexOf(made.get(OTHER)!)).toEqual(random.slice(96, 100));
    const keys = [initiator.consumeResponse(made.get(PEER)!), other.consumeResponse(made.get(OTHER)!)];
    [PEER, OTHER].forEach((peer, i) => {
      core.beginSession(peer);
      expect(core.session(peer, abi.PEER_NEXT)?.sending).toEqual(keys[i]!.receiving);
    });
  });

  it("what is not used is wiped when it is forgotten, and by a new private key", async () => {
    const { core, messages } = await load(build);
    ahead(core, messages);
    core.exports.forgetAnswers();
    expect(core.nothingAnswered).toBe(true);
    const later = await load(build);
    ahead(later.core, later.messages);
    later.core.setPrivateKey(random32());
    expect(later.core.nothingAnswered).toBe(true);
  });

  it("a newer initiation is answered for itself", async () => {
    const { pair, core, messages } = await load(build);
    const random = ahead(core, messages);
    const later = referenceInitiation(pair, timestamp(SECONDS + 1, 0));
    expect(core.consumeInitiation(later.message, 2000)).toBe(PEER);
    expect(core.createResponse(PEER), "random bytes serve once").toBeNull();
    core.fillRandom();
    const response = core.createResponse(PEER)!;
    expect(ephemeralOf(response)).not.toEqual(publicKeyOf(random.slice(0, 32)));
    later.initiator.consumeResponse(response);
  });

  it("nothing is computed for one peer twice, for one that waits for no answer, or without random bytes", async () => {
    const { core, messages } = await load(build);
    core.fillRandom();
    const nothing = (computed: boolean) => {
      expect(computed).toBe(false);
      expect(core.nothingAnswered).toBe(true);
    };
    nothing(core.answerAhead(PEER, OTHER));
    core.consumeInitiation(messages[0]);
    core.fillRandom();
    nothing(core.answerAhead(PEER, OTHER));
    core.consumeInitiation(messages[1]);
    core.fillRandom();
    nothing(core.answerAhead(OTHER, OTHER));
    nothing(core.answerAhead(PEER, OTHER));
    core.fillRandom();
    expect(core.answerAhead(PEER, OTHER)).toBe(true);
  });
});
