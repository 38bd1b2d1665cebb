// Initiations that wait one behind the other have their first Diffie-Hellman done at once; each comes to its own result, and nothing is left.
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
const kept = (core: Core, initiator: ReferenceInitiator) => core.occurrences(initiator.state.secrets[1]!);

async function load(build: Build) {
  const pair = await loadPair(build);
  const { initiator, message } = referenceInitiation(pair);
  return { pair, core: pair.core, initiator, message, other: otherInitiation(pair) };
}

describe.each(Object.keys(BUILDS) as Build[])("initiations one behind the other (%s)", (build) => {
  it("are answered, and each result is wiped as it is used", async () => {
    const { core, initiator, message, other } = await load(build);
    expect(core.agreeAhead(message, other.message)).toBe(2);
    expect([kept(core, initiator), kept(core, other.initiator)]).toEqual([1, 1]);
    expect(core.consumeInitiation(message)).toBe(PEER);
    expect([kept(core, initiator), kept(core, other.initiator)]).toEqual([0, 1]);
    const { message: response } = respond(core);
    expect(core.consumeInitiation(other.message)).toBe(OTHER);
    expect(core.nothingAgreed).toBe(true);
    initiator.consumeResponse(response);
    core.fillRandom();
    other.initiator.consumeResponse(core.createResponse(OTHER)!);
  });

  it("four at once come each to their own", async () => {
    const { core, message, other, pair } = await load(build);
    const [later, last] = [1, 2].map((second) => referenceInitiation(pair, timestamp(SECONDS + second, 0)).message);
    expect(core.agreeAhead(message, later!, other.message, last!)).toBe(4);
    expect(core.consumeInitiation(last!, 1000)).toBe(PEER);
    expect(core.consumeInitiation(other.message, 1000)).toBe(OTHER);
    expect(core.consumeInitiation(later!, 2000)).toBe(dropped(abi.DROP_TIMESTAMP));
    expect(core.nothingAgreed).toBe(false);
    expect(core.consumeInitiation(message, 3000)).toBe(dropped(abi.DROP_TIMESTAMP));
    expect(core.nothingAgreed).toBe(true);
  });

  it("what is not used is wiped when it is forgotten, and by a new private key", async () => {
    const { core, message, other } = await load(build);
    core.agreeAhead(message, other.message);
    core.exports.forgetAgreed();
    expect(core.nothingAgreed).toBe(true);
    core.agreeAhead(message, other.message);
    core.setPrivateKey(random32());
    expect(core.nothingAgreed).toBe(true);
    expect(core.consumeInitiation(message)).toBe(dropped(abi.DROP_HANDSHAKE));
  });

  it("the same message twice is taken once", async () => {
    const { core, message } = await load(build);
    expect(core.agreeAhead(message, message)).toBe(2);
    expect(core.consumeInitiation(message, 1000)).toBe(PEER);
    expect(core.consumeInitiation(message, 2000)).toBe(dropped(abi.DROP_TIMESTAMP));
    expect(core.nothingAgreed).toBe(true);
  });

  it("a result serves the key that it was computed for only", async () => {
    const { pair, core, message, other } = await load(build);
    core.agreeAhead(message, other.message);
    const later = referenceInitiation(pair, timestamp(SECONDS + 1, 0));
    expect(core.consumeInitiation(later.message, 1000)).toBe(PEER);
    const forged = other.message.slice();
    forged[8]! ^= 1;
    expect(core.consumeInitiation(forged)).toBe(dropped(abi.DROP_HANDSHAKE));
    expect(core.consumeInitiation(other.message)).toBe(OTHER);
  });

  it.each(vectors.smallOrder)("the small-order key %s harms itself only", async (point) => {
    const { core, message, other } = await load(build);
    const bad = other.message.slice();
    bad.set(Buffer.from(point, "hex"), 8);
    expect(core.agreeAhead(bad, message)).toBe(2);
    expect(core.consumeInitiation(bad)).toBe(dropped(abi.DROP_LOW_ORDER));
    expect(core.consumeInitiation(message)).toBe(PEER);
    expect(core.agreeAhead(other.message, bad)).toBe(2);
    expect(core.consumeInitiation(other.message)).toBe(OTHER);
    expect(core.consumeInitiation(bad)).toBe(dropped(abi.DROP_LOW_ORDER));
    expect(core.nothingAgreed).toBe(true);
  });

  it("a key of zeros finds nothing where nothing was computed", async () => {
    const { core, message } = await load(build);
    const bad = message.slice().fill(0, 8, 40);
    expect(core.consumeInitiation(bad)).toBe(dropped(abi.DROP_LOW_ORDER));
  });

  it("nothing is computed for one alone, for what is no initiation, or without identity", async () => {
    const { core, message, other } = await load(build);
    const response = other.message.slice();
    response[0] = abi.MESSAGE_RESPONSE;
    expect(core.agreeAhead()).toBe(0);
    expect(core.agreeAhead(message)).toBe(0);
    expect(core.agreeAhead(message, response, message)).toBe(0);
    expect(core.agreeAhead(response, message)).toBe(0);
    core.setPrivateKey(new Uint8Array(32));
    expect(core.agreeAhead(message, other.message)).toBe(0);
    expect(core.nothingAgreed).toBe(true);
  });
});
