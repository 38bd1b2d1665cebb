import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { BUILDS, type Build, type Core } from "./core.ts";
import { initiate, loadPair, PEER, random32, referenceInitiation, referenceResponse, respond } from "./pairs.ts";

/** X25519 secrets are kept as they came; their clamped form must not linger either. */
function clamped(key: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(key);
  copy[0]! &= 248;
  copy[31] = (copy[31]! & 127) | 64;
  return copy;
}

function expectNone(core: Core, secrets: Uint8Array[]): void {
  for (const [i, secret] of secrets.entries()) {
    expect(core.occurrences(secret), `secret ${i}`).toBe(0);
    expect(core.occurrences(secret.subarray(0, 16)), `first half of secret ${i}`).toBe(0);
    expect(core.occurrences(secret.subarray(16)), `second half of secret ${i}`).toBe(0);
  }
}

describe.each(Object.keys(BUILDS) as Build[])("secrets in the whole memory (%s)", (build) => {
  it("an initiator's session leaves its keys once, and of the handshake nothing", async () => {
    const pair = await loadPair(build, random32());
    const { core } = pair;
    const { message, ephemeral } = initiate(core);
    expect(core.occurrences(ephemeral)).toBe(1);
    const { responder, message: response, keys } = referenceResponse(pair, message);
    expect(core.consumeResponse(response)).toBe(PEER);
    expect(core.occurrences(ephemeral), "of no use any more").toBe(0);
    core.beginSession(PEER);
    const staticStatic = responder.state.secrets.findIndex((secret) => core.occurrences(secret) === 1);
    expect(staticStatic).toBe(4); // e: C; es: shared, C, key; ss: shared
    expectNone(core, [ephemeral, clamped(ephemeral), responder.state.hash, ...responder.state.secrets.toSpliced(4, 1)]);
    expect(core.occurrences(keys.sending)).toBe(1);
    expect(core.occurrences(keys.receiving)).toBe(1);
    expect(core.occurrences(pair.presharedKey!)).toBe(1);
    expect(core.occurrences(clamped(pair.privateKey))).toBe(1);
    core.exports.clearKeypairs(PEER);
    expectNone(core, [keys.sending, keys.receiving]);
  });

  it("a responder's session likewise", async () => {
    const pair = await loadPair(build, random32());
    const { core } = pair;
    const { initiator, message } = referenceInitiation(pair);
    core.consumeInitiation(message);
    const { message: response, ephemeral } = respond(core);
    expect(core.occurrences(ephemeral), "never kept").toBe(0);
    const keys = initiator.consumeResponse(response);
    core.beginSession(PEER);
    expectNone(core, [ephemeral, clamped(ephemeral), initiator.state.hash, ...initiator.state.secrets.toSpliced(4, 1)]);
    expect(core.occurrences(initiator.state.secrets[4]!)).toBe(1);
    expect(core.occurrences(keys.sending)).toBe(1);
    expect(core.occurrences(keys.receiving)).toBe(1);
  });

  it("an abandoned handshake leaves nothing, at any stage and in either role", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message, ephemeral } = initiate(core);
    const { responder, message: response } = referenceResponse(pair, message);
    core.clearHandshake(PEER);
    expectNone(core, [ephemeral, clamped(ephemeral), ...responder.state.secrets.toSpliced(4, 1)]);
    expect(core.consumeResponse(response)).toBe(-(1 + abi.DROP_INDEX));

    const { initiator, message: initiation } = referenceInitiation(pair);
    core.consumeInitiation(initiation);
    core.clearHandshake(PEER);
    expectNone(core, [initiator.state.hash, ...initiator.state.secrets.toSpliced(4, 1)]);
  });

  it("a forged response leaves only what the handshake had before", async () => {
    const pair = await loadPair(build, random32());
    const { core } = pair;
    const { message, ephemeral } = initiate(core);
    const { responder, message: response } = referenceResponse(pair, message);
    response[59]! ^= 1;
    core.consumeResponse(response);
    expect(core.occurrences(ephemeral)).toBe(1);
    expectNone(core, responder.state.secrets.slice(7)); // all that came after ss: shared, C, key
  });

  it("an initiation of ours that gives way takes its ephemeral key along", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { ephemeral } = initiate(core);
    core.consumeInitiation(referenceInitiation(pair).message);
    expectNone(core, [ephemeral, clamped(ephemeral)]);
  });

  it("the private key goes, and what rests on it", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = initiate(core);
    const { responder } = referenceResponse(pair, message);
    const staticStatic = responder.state.secrets[4]!;
    expect(core.occurrences(staticStatic)).toBe(1);
    core.setPrivateKey(new Uint8Array(32));
    expectNone(core, [pair.privateKey, clamped(pair.privateKey), staticStatic, ...responder.state.secrets]);
  });
});
