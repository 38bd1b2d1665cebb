// Ready-made situations for the handshake tests: the core on one side, the reference or the core on the other.
import { randomBytes } from "node:crypto";
import * as abi from "../../../assembly/abi.ts";
import { publicKeyOf, ReferenceInitiator, ReferenceResponder, timestamp } from "../../reference/noise.ts";
import { type Build, type Core, loadDevice } from "./core.ts";

export const PEER = 2;
export const SECONDS = 1_800_000_000;

export const random32 = (): Uint8Array => Uint8Array.from(randomBytes(32));

/** The core with one peer, of which the test holds the private key. */
export interface Pair {
  core: Core;
  publicKey: Uint8Array;
  privateKey: Uint8Array;
  peerPrivateKey: Uint8Array;
  peerPublicKey: Uint8Array;
  presharedKey: Uint8Array | undefined;
}

export async function loadPair(build: Build, presharedKey?: Uint8Array): Promise<Pair> {
  const device = await loadDevice(build);
  const peerPrivateKey = random32();
  const peerPublicKey = publicKeyOf(peerPrivateKey);
  device.core.addPeer(PEER, peerPublicKey, presharedKey);
  return { ...device, peerPrivateKey, peerPublicKey, presharedKey };
}

/** An initiation from the reference to the core. */
export function referenceInitiation(
  pair: Pair,
  time: Uint8Array = timestamp(SECONDS, 0),
  senderIndex = 0x01020304,
): { initiator: ReferenceInitiator; message: Uint8Array; ephemeral: Uint8Array } {
  const initiator = new ReferenceInitiator(pair.peerPrivateKey, pair.publicKey, pair.presharedKey);
  const ephemeral = random32();
  return { initiator, ephemeral, message: initiator.createInitiation(time, { ephemeral, senderIndex }) };
}

/** The reference's answer to an initiation of the core. */
export function referenceResponse(pair: Pair, initiation: Uint8Array, presharedKey = pair.presharedKey) {
  const responder = new ReferenceResponder(pair.peerPrivateKey, presharedKey);
  const consumed = responder.consumeInitiation(initiation);
  const ephemeral = random32();
  return { responder, consumed, ephemeral, ...responder.createResponse({ ephemeral, senderIndex: 0x0a0b0c0d }) };
}

/** Let the core make an initiation that must come off. @returns it, and the random bytes it was made from */
export function initiate(
  core: Core,
  time: { seconds: number; nanoseconds?: number; now?: number } = { seconds: SECONDS },
) {
  const bytes = core.fillRandom();
  const message = core.createInitiation(PEER, time);
  if (!message) throw new Error("no initiation was made");
  return { message, ephemeral: bytes.slice(abi.RANDOM_EPHEMERAL, abi.RANDOM_EPHEMERAL + 32), random: bytes };
}

export function respond(core: Core, now = 1000) {
  const bytes = core.fillRandom();
  const message = core.createResponse(PEER, now);
  if (!message) throw new Error("no response was made");
  return { message, ephemeral: bytes.slice(abi.RANDOM_EPHEMERAL, abi.RANDOM_EPHEMERAL + 32), random: bytes };
}
