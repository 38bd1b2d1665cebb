// Two initiations that wait one behind the other share the work of their first Diffie-Hellman.
import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../reference/noise.ts";
import vectors from "../../vectors/x25519.json" with { type: "json" };
import { BUILDS, type Build, type Core, dropped } from "./core.ts";
import { loadPair, type Pair, PEER, random32, referenceInitiation, respond, SECONDS } from "./pairs.ts";

const OTHER = 5;

/** The initiation of another peer of the pair's device. */
function otherInitiation({ core, publicKey }: Pair): { initiator: ReferenceInitiator; message: Uint8Array } {
  const privateKey = random32();
  core.addPeer(OTHER, publicKeyOf(privateKey));
  const initiator = new ReferenceInitiator(privateKey, publicKey, undefined);
  const ephemeral = random32();
  return { initiator, message: initiator.createInitiation(timestamp(SECONDS, 0), { ephemeral, senderIndex: 9 }) };
}

/** How often the first Diffie-Hellman result of an initiator lies in memory. */
const agreed = (core: Core, initiator: ReferenceInitiator) => core.occurrences(initiator.state.secrets[1]!);

describe.each(Object.keys(BUILDS) as Build[])("initiations one behind the other, %s build", (build) => {
  it("are both answered, and what was computed ahead is wiped", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { initiator, message } = referenceInitiation(pair);
    const other = otherInitiation(pair);
    expect(core.consumeInitiation(message, 1000, other.message)).toBe(PEER);
    expect([agreed(core, initiator), agreed(core, other.initiator)]).toEqual([0, 1]);
    const { message: response } = respond(core);
    expect(core.consumeInitiation(other.message)).toBe(OTHER);
    expect(agreed(core, other.initiator)).toBe(0);
    initiator.consumeResponse(response);
    core.fillRandom();
    other.initiator.consumeResponse(core.createResponse(OTHER)!);
  });

  it("what was computed ahead serves the next one only", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    const other = otherInitiation(pair);
    core.consumeInitiation(message, 1000, other.message);
    const later = referenceInitiation(pair, timestamp(SECONDS + 1, 0));
    expect(core.consumeInitiation(later.message, 2000)).toBe(PEER);
    expect(agreed(core, other.initiator)).toBe(0);
    expect(core.consumeInitiation(other.message)).toBe(OTHER);
  });

  it("a new private key wipes it", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const other = otherInitiation(pair);
    core.consumeInitiation(referenceInitiation(pair).message, 1000, other.message);
    expect(agreed(core, other.initiator)).toBe(1);
    core.setPrivateKey(random32());
    expect(agreed(core, other.initiator)).toBe(0);
    expect(core.consumeInitiation(other.message)).toBe(dropped(abi.DROP_HANDSHAKE));
  });

  it.each(vectors.smallOrder)("the small-order key %s behind a good one harms itself only", async (point) => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    const bad = message.slice();
    bad.set(Buffer.from(point, "hex"), 8);
    expect(core.consumeInitiation(message, 1000, bad)).toBe(PEER);
    expect(core.consumeInitiation(bad, 2000)).toBe(dropped(abi.DROP_LOW_ORDER));
    const later = referenceInitiation(pair, timestamp(SECONDS + 1, 0));
    expect(core.consumeInitiation(bad, 2000, later.message)).toBe(dropped(abi.DROP_LOW_ORDER));
    expect(core.consumeInitiation(later.message, 2000)).toBe(PEER);
  });

  it("a message that is no initiation is left alone", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const other = otherInitiation(pair);
    other.message[0] = abi.MESSAGE_RESPONSE;
    expect(core.consumeInitiation(referenceInitiation(pair).message, 1000, other.message)).toBe(PEER);
    expect(agreed(core, other.initiator)).toBe(0);
  });
});
