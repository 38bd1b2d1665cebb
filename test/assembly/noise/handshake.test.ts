import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { INITIAL_CHAINING_KEY, INITIAL_HASH, mac1, publicKeyOf, timestamp } from "../../reference/noise.ts";
import { BUILDS, type Build, Core, dropped, loadDevice, NO_OWNER } from "./core.ts";
import {
  initiate,
  loadPair,
  PEER,
  random32,
  referenceInitiation,
  referenceResponse,
  respond,
  SECONDS,
} from "./pairs.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

it("the reference starts from the published hashes", () => {
  expect(hex(INITIAL_CHAINING_KEY)).toBe("60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36");
  expect(hex(INITIAL_HASH)).toBe("2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3");
});

describe.each(Object.keys(BUILDS) as Build[])("handshake (%s)", (build) => {
  describe.each([
    ["without a preshared key", undefined],
    ["with a preshared key", Uint8Array.from(randomBytes(32))],
  ])("%s", (_, presharedKey) => {
    it("initiates with the reference", async () => {
      const pair = await loadPair(build, presharedKey);
      const { core } = pair;
      const { message, random } = initiate(core, { seconds: SECONDS, nanoseconds: 987_654_321 });
      expect(core.handshakeState(PEER)).toBe(abi.HANDSHAKE_CREATED_INITIATION);
      expect(message.length).toBe(abi.INITIATION_BYTES);
      expect(hex(message.subarray(0, 4))).toBe("01000000");
      expect(message.subarray(4, 8)).toEqual(random.subarray(abi.RANDOM_INDICES, abi.RANDOM_INDICES + 4));
      expect(message.subarray(116, 132)).toEqual(mac1(pair.peerPublicKey, message.subarray(0, 116)));
      expect(message.subarray(132)).toEqual(new Uint8Array(16));

      const { consumed, message: response, keys } = referenceResponse(pair, message);
      expect(consumed.initiator).toEqual(pair.publicKey);
      expect(consumed.time).toEqual(timestamp(SECONDS, 987_654_321));
      expect(core.checkMac1(response)).toBe(true);
      expect(core.consumeResponse(response)).toBe(PEER);
      expect(core.handshakeState(PEER)).toBe(abi.HANDSHAKE_CONSUMED_RESPONSE);
      expect(core.beginSession(PEER)).toBe(true);
      expect(core.session(PEER, abi.PEER_CURRENT)).toEqual({
        sending: keys.receiving,
        receiving: keys.sending,
        localIndex: keys.remoteIndex,
        remoteIndex: 0x0a0b0c0d,
        initiator: true,
      });
    });

    it("responds to the reference", async () => {
      const pair = await loadPair(build, presharedKey);
      const { core } = pair;
      const { initiator, message } = referenceInitiation(pair);
      expect(core.checkMac1(message)).toBe(true);
      expect(core.consumeInitiation(message)).toBe(PEER);
      expect(core.handshakeState(PEER)).toBe(abi.HANDSHAKE_CONSUMED_INITIATION);
      const { message: response } = respond(core);
      expect(core.handshakeState(PEER)).toBe(abi.HANDSHAKE_CREATED_RESPONSE);
      expect(response.length).toBe(abi.RESPONSE_BYTES);
      expect(response.subarray(60, 76)).toEqual(mac1(pair.peerPublicKey, response.subarray(0, 60)));
      expect(hex(response.subarray(8, 12))).toBe("04030201");

      const keys = initiator.consumeResponse(response);
      expect(core.beginSession(PEER)).toBe(true);
      expect(core.session(PEER, abi.PEER_NEXT)).toEqual({
        sending: keys.receiving,
        receiving: keys.sending,
        localIndex: keys.remoteIndex,
        remoteIndex: 0x01020304,
        initiator: false,
      });
      expect(core.session(PEER, abi.PEER_CURRENT)).toBeUndefined();
    });
  });

  it("agrees with itself, and the sessions own their indices", async () => {
    const [a, b] = await Promise.all([loadDevice(build), loadDevice(build)]);
    a.core.addPeer(PEER, b.publicKey);
    b.core.addPeer(PEER, a.publicKey);
    const { message } = initiate(a.core);
    const index = a.core.localIndex(PEER);
    expect(a.core.exports.indexOwner(index) >>> 0).toBe(PEER << 2);
    expect(b.core.consumeInitiation(message)).toBe(PEER);
    expect(a.core.consumeResponse(respond(b.core).message)).toBe(PEER);
    expect(a.core.beginSession(PEER)).toBe(true);
    expect(b.core.beginSession(PEER)).toBe(true);
    const mine = a.core.session(PEER, abi.PEER_CURRENT)!;
    const theirs = b.core.session(PEER, abi.PEER_NEXT)!;
    expect(theirs.receiving).toEqual(mine.sending);
    expect(theirs.sending).toEqual(mine.receiving);
    expect(theirs.localIndex).toBe(mine.remoteIndex);
    expect(theirs.remoteIndex).toBe(mine.localIndex);
    expect(mine.localIndex).toBe(index);
    expect(a.core.exports.indexOwner(index) & 3).not.toBe(0);

    a.core.clearHandshake(PEER); // must not take the session's index away
    expect(a.core.exports.indexOwner(index) & 3).not.toBe(0);
    expect(a.core.beginSession(PEER), "a second time").toBe(false);
  });

  it("a new initiation replaces the one under way, and frees its index", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const first = initiate(core);
    const index = core.localIndex(PEER);
    const second = initiate(core, { seconds: SECONDS + 5 });
    expect(core.exports.indexOwner(index) >>> 0).toBe(NO_OWNER);
    expect(core.consumeResponse(referenceResponse(pair, first.message).message)).toBe(dropped(abi.DROP_INDEX));
    expect(core.consumeResponse(referenceResponse(pair, second.message).message)).toBe(PEER);
  });

  it("takes another index when the first ones are taken, and none when all are", async () => {
    const { core } = await loadPair(build);
    const bytes = core.fillRandom();
    const words = new DataView(bytes.buffer, bytes.byteOffset + abi.RANDOM_INDICES);
    for (let i = 0; i < 7; i++) expect(core.exports.claimIndex(words.getUint32(4 * i, true), 1)).toBe(1);
    expect(core.createInitiation(PEER, { seconds: SECONDS })).not.toBeNull();
    const last = words.getUint32(28, true);
    expect(core.localIndex(PEER)).toBe(last);

    core.fillRandom(bytes);
    const before = core.handshakeState(PEER);
    expect(core.createInitiation(PEER, { seconds: SECONDS })).toBeNull();
    expect(core.handshakeState(PEER)).toBe(before);
    expect(core.exports.indexOwner(last) >>> 0).toBe(PEER << 2);
  });

  it("index 0 is an index like any other", async () => {
    const { core } = await loadPair(build);
    const bytes = core.fillRandom();
    bytes.fill(0, abi.RANDOM_INDICES, abi.RANDOM_INDICES + 4);
    core.fillRandom(bytes);
    expect(core.createInitiation(PEER, { seconds: SECONDS })).not.toBeNull();
    expect(core.exports.indexOwner(0) >>> 0).toBe(PEER << 2);
    core.clearHandshake(PEER);
    expect(core.exports.indexOwner(0) >>> 0).toBe(NO_OWNER);
    expect(core.exports.claimIndex(0, 1)).toBe(1);
    core.clearHandshake(PEER);
    expect(core.exports.indexOwner(0), "of somebody else").toBe(1);
  });

  it("makes nothing twice from the same random bytes", async () => {
    const { core } = await loadPair(build);
    initiate(core);
    expect(core.createInitiation(PEER, { seconds: SECONDS })).toBeNull();
  });

  it("clamps the private key, and knows whether it changed", async () => {
    const core = await Core.load(build);
    const key = new Uint8Array(32).fill(0xff);
    const at = core.exports.identityAddress();
    expect(core.setPrivateKey(new Uint8Array(32))).toBe(0);
    expect(core.setPrivateKey(key)).toBe(1);
    expect(core.setPrivateKey(key)).toBe(0);
    const clamped = core.slice(at + abi.IDENTITY_PRIVATE_KEY, 32);
    expect([clamped[0], clamped[31]]).toEqual([0xf8, 0x7f]);
    expect(core.slice(at + abi.IDENTITY_PUBLIC_KEY, 32)).toEqual(publicKeyOf(key));
  });

  it("without identity nothing is made and nothing taken", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    const initiation = initiate(core);
    const { message: response } = referenceResponse(pair, initiation.message);
    expect(core.setPrivateKey(new Uint8Array(32))).toBe(1);
    const identity = core.exports.identityAddress();
    expect(core.slice(identity, abi.IDENTITY_BYTES)).toEqual(new Uint8Array(abi.IDENTITY_BYTES));
    core.fillRandom();
    expect(core.createInitiation(PEER, { seconds: SECONDS })).toBeNull();
    expect(core.checkMac1(message)).toBe(false);
    expect(core.consumeInitiation(message)).toBe(dropped(abi.DROP_HANDSHAKE));
    expect(core.consumeResponse(response)).toBe(dropped(abi.DROP_HANDSHAKE));
    expect(core.precompute(PEER)).toBe(false);
  });

  it("a changed private key invalidates what was computed with the old one, but no session", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    expect(core.consumeResponse(referenceResponse(pair, initiate(core).message).message)).toBe(PEER);
    core.beginSession(PEER);
    const session = core.session(PEER, abi.PEER_CURRENT);
    initiate(core, { seconds: SECONDS + 10 });
    const privateKey = random32();
    expect(core.setPrivateKey(privateKey)).toBe(1);
    expect(core.handshakeState(PEER)).toBe(abi.HANDSHAKE_ZEROED);
    expect(core.session(PEER, abi.PEER_CURRENT)).toEqual(session);
    const { message } = initiate(core, { seconds: SECONDS + 20 });
    const { consumed, message: response } = referenceResponse(pair, message);
    expect(consumed.initiator).toEqual(publicKeyOf(privateKey));
    expect(core.consumeResponse(response)).toBe(PEER);

    const { initiator, message: initiation } = referenceInitiation({ ...pair, publicKey: publicKeyOf(privateKey) });
    expect(core.checkMac1(initiation)).toBe(true);
    expect(core.consumeInitiation(initiation)).toBe(PEER);
    initiator.consumeResponse(respond(core).message);
  });
});
