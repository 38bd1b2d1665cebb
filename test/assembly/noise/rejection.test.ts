import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../reference/noise.ts";
import { BUILDS, type Build, type Core, dropped, loadDevice } from "./core.ts";
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

/** Points of small order (RFC 7748 §7): all give a shared secret of zero. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));

/** Run, and show that memory is just as before. */
function unchanged<T>(core: Core, body: () => T): T {
  const before = core.snapshot();
  const result = body();
  expect(before.equals(core.bytes), "memory as before").toBe(true);
  return result;
}

function flipped(message: Uint8Array, byte: number): Uint8Array {
  const forged = Uint8Array.from(message);
  forged[byte] = forged[byte]! ^ (1 << (byte & 7));
  return forged;
}

describe.each(Object.keys(BUILDS) as Build[])("what the handshake refuses (%s)", (build) => {
  it("an initiation with any byte changed", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    core.precompute(PEER);
    const before = core.snapshot();
    for (let byte = 0; byte < 132; byte++) {
      const forged = flipped(message, byte);
      expect(core.checkMac1(forged), `byte ${byte}`).toBe(false);
      // Behind type and index, the handshake itself notices: someone may know our public key and make mac1 anew.
      if (byte >= 8 && byte < 116) expect(core.consumeInitiation(forged), `byte ${byte}`).toBeLessThan(0);
    }
    expect(before.equals(core.bytes)).toBe(true);
    expect(core.consumeInitiation(message)).toBe(PEER);
  });

  it("a response with any byte changed, while the true one is still welcome", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message, keys } = referenceResponse(pair, initiate(core).message);
    const before = core.snapshot();
    for (let byte = 0; byte < 76; byte++) {
      const forged = flipped(message, byte);
      expect(core.checkMac1(forged), `byte ${byte}`).toBe(false);
      if (byte >= 8 && byte < 60) expect(core.consumeResponse(forged), `byte ${byte}`).toBeLessThan(0);
    }
    expect(before.equals(core.bytes)).toBe(true);
    expect(core.consumeResponse(message)).toBe(PEER);
    core.beginSession(PEER);
    expect(core.session(PEER, abi.PEER_CURRENT)!.sending).toEqual(keys.receiving);
  });

  it("a wrong preshared key, in both roles", async () => {
    const pair = await loadPair(build, random32());
    const { core } = pair;
    const { message } = referenceResponse(pair, initiate(core).message, random32());
    expect(unchanged(core, () => core.consumeResponse(message))).toBe(dropped(abi.DROP_HANDSHAKE));

    const initiator = new ReferenceInitiator(pair.peerPrivateKey, pair.publicKey, random32());
    const initiation = initiator.createInitiation(timestamp(SECONDS, 0), { ephemeral: random32(), senderIndex: 7 });
    expect(core.consumeInitiation(initiation)).toBe(PEER);
    const { message: response } = respond(core);
    expect(() => initiator.consumeResponse(response)).toThrow();
  });

  it("an initiation for another key, and one from a stranger", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const options = { ephemeral: random32(), senderIndex: 7 };
    const time = timestamp(SECONDS, 0);
    const misdirected = new ReferenceInitiator(pair.peerPrivateKey, publicKeyOf(random32()));
    const stranger = new ReferenceInitiator(random32(), pair.publicKey);
    unchanged(core, () => {
      const message = misdirected.createInitiation(time, options);
      expect(core.checkMac1(message)).toBe(false);
      expect(core.consumeInitiation(message)).toBe(dropped(abi.DROP_HANDSHAKE));
      const foreign = stranger.createInitiation(time, options);
      expect(core.checkMac1(foreign)).toBe(true);
      expect(core.consumeInitiation(foreign)).toBe(dropped(abi.DROP_UNKNOWN_PEER));
    });
  });

  it("an impostor who knows only the peer's public key", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const impostor = new ReferenceInitiator(random32(), pair.publicKey);
    // Up to the static key all is right: it is the peer's. Only the static-static secret is not.
    const { state } = impostor;
    const seal = state.seal.bind(state);
    state.seal = (plaintext) => seal(plaintext.length === 32 ? pair.peerPublicKey : plaintext);
    const message = impostor.createInitiation(timestamp(SECONDS, 0), { ephemeral: random32(), senderIndex: 7 });
    core.precompute(PEER);
    expect(unchanged(core, () => core.consumeInitiation(message))).toBe(dropped(abi.DROP_HANDSHAKE));
  });

  it("a timestamp that is not newer than the last", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const initiations = new Map(
      [SECONDS - 1, SECONDS, SECONDS + 1].map((seconds) => [
        seconds,
        referenceInitiation(pair, timestamp(seconds, 2 ** 25)).message,
      ]),
    );
    expect(core.consumeInitiation(initiations.get(SECONDS)!, 1000)).toBe(PEER);
    unchanged(core, () => {
      expect(core.consumeInitiation(initiations.get(SECONDS)!, 9000)).toBe(dropped(abi.DROP_TIMESTAMP));
      expect(core.consumeInitiation(initiations.get(SECONDS - 1)!, 9000)).toBe(dropped(abi.DROP_TIMESTAMP));
      const sameSecond = referenceInitiation(pair, timestamp(SECONDS, 2 ** 24)).message;
      expect(core.consumeInitiation(sameSecond, 9000)).toBe(dropped(abi.DROP_TIMESTAMP));
    });
    const later = referenceInitiation(pair, timestamp(SECONDS, 2 ** 26)).message;
    expect(core.consumeInitiation(later, 9000)).toBe(PEER);
    expect(core.consumeInitiation(initiations.get(SECONDS + 1)!, 9100)).toBe(PEER);
  });

  it("the replay of an initiation after its session began", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    core.consumeInitiation(message);
    respond(core);
    core.beginSession(PEER);
    expect(unchanged(core, () => core.consumeInitiation(message, 5000))).toBe(dropped(abi.DROP_TIMESTAMP));
  });

  it("initiations closer than 20 ms", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const at = (seconds: number) => referenceInitiation(pair, timestamp(SECONDS + seconds, 0)).message;
    expect(core.consumeInitiation(at(0), 1000)).toBe(PEER);
    const second = at(1);
    expect(unchanged(core, () => core.consumeInitiation(second, 1019.9))).toBe(dropped(abi.DROP_FLOOD));
    expect(core.consumeInitiation(second, 1020)).toBe(PEER);
  });

  it("a flood check never meets the first initiation, whatever the clock began with", async () => {
    const pair = await loadPair(build);
    expect(pair.core.consumeInitiation(referenceInitiation(pair).message, 0)).toBe(PEER);
  });

  it("responses in the wrong state", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = initiate(core);
    const { message: response } = referenceResponse(pair, message);
    expect(core.consumeResponse(response)).toBe(PEER);
    expect(unchanged(core, () => core.consumeResponse(response))).toBe(dropped(abi.DROP_HANDSHAKE));
    core.beginSession(PEER);
    expect(
      unchanged(core, () => core.consumeResponse(response)),
      "of a session",
    ).toBe(dropped(abi.DROP_INDEX));

    const next = initiate(core, { seconds: SECONDS + 10 });
    const late = referenceResponse(pair, next.message).message;
    expect(core.consumeInitiation(referenceInitiation(pair).message)).toBe(PEER);
    expect(
      unchanged(core, () => core.consumeResponse(late)),
      "superseded",
    ).toBe(dropped(abi.DROP_HANDSHAKE));
    respond(core);
    expect(
      unchanged(core, () => core.consumeResponse(late)),
      "answered",
    ).toBe(dropped(abi.DROP_INDEX));
  });

  it("to respond or to begin a session when it is not the time", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const noResponse = () => {
      core.fillRandom();
      expect(core.createResponse(PEER)).toBeNull();
    };
    noResponse();
    expect(core.beginSession(PEER)).toBe(false);
    initiate(core);
    noResponse();
    expect(core.beginSession(PEER)).toBe(false);
    core.consumeInitiation(referenceInitiation(pair).message);
    expect(core.beginSession(PEER)).toBe(false);
    respond(core);
    noResponse();
  });

  it("ephemeral keys of low order", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message: initiation } = referenceInitiation(pair);
    const { message: response } = referenceResponse(pair, initiate(core).message);
    unchanged(core, () => {
      for (const point of LOW_ORDER) {
        initiation.set(point, 8);
        expect(core.consumeInitiation(initiation)).toBe(dropped(abi.DROP_LOW_ORDER));
        response.set(point, 12);
        expect(core.consumeResponse(response)).toBe(dropped(abi.DROP_LOW_ORDER));
      }
    });
  });

  it.each(LOW_ORDER.map((point, i) => [i, point] as const))(
    "a peer whose key has a low order (%i)",
    async (_, point) => {
      const { core } = await loadDevice(build);
      core.addPeer(PEER, point);
      core.fillRandom();
      expect(core.createInitiation(PEER, { seconds: SECONDS })).toBeNull();
      expect(core.handshakeState(PEER)).toBe(abi.HANDSHAKE_ZEROED);
      expect(core.precompute(PEER)).toBe(false);
      expect(core.precompute(PEER), "from what is stored").toBe(false);
    },
  );

  it("an initiation that claims a peer's key of low order", async () => {
    const { core, publicKey } = await loadDevice(build);
    const point = LOW_ORDER[1]!;
    core.addPeer(PEER, point);
    const impostor = new ReferenceInitiator(random32(), publicKey);
    const seal = impostor.state.seal.bind(impostor.state);
    impostor.state.seal = (plaintext) => seal(plaintext.length === 32 ? point : plaintext);
    const message = impostor.createInitiation(timestamp(SECONDS, 0), { ephemeral: random32(), senderIndex: 7 });
    expect(core.consumeInitiation(message)).toBe(dropped(abi.DROP_LOW_ORDER));
  });

  it("a session with itself", async () => {
    const { core, publicKey } = await loadDevice(build);
    core.addPeer(PEER, publicKey);
    const { message } = initiate(core);
    expect(core.consumeInitiation(message)).toBe(PEER);
    const { message: response } = respond(core);
    // The index of the initiation went with the response: nobody is left who waits for it.
    expect(core.consumeResponse(response)).toBe(dropped(abi.DROP_INDEX));
    expect(core.session(PEER, abi.PEER_CURRENT)).toBeUndefined();
  });
});
