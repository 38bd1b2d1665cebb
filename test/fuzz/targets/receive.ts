/**
 * Datagrams from the network: what is not genuine is dropped and counted, changes no state, and is answered by nothing but cookie
 * replies under load. mac1 is made right again for half of them, for whoever knows the public key can do that.
 */
import { blake2s } from "@noble/hashes/blake2.js";
import fc from "fast-check";
import { expect } from "vitest";
import { MESSAGE_COOKIE_REPLY, MESSAGE_INITIATION, MESSAGE_RESPONSE } from "../../../assembly/abi.ts";
import { drops, endpoint, Pair, state } from "../../host/engine/support/pair.ts";
import { concat } from "../../reference/packets.ts";
import type { TestNode } from "../../support/node.ts";
import { hostile } from "../mutate.ts";
import type { Target } from "../target.ts";

const STRANGER = endpoint(99);
const MACS_BYTES = 32;
const MAC2_BYTES = 16;

const hasMacs = (bytes: Uint8Array): boolean =>
  bytes.length >= 4 + MACS_BYTES && (bytes[0] === MESSAGE_INITIATION || bytes[0] === MESSAGE_RESPONSE);

function withMac1(bytes: Uint8Array, publicKey: Uint8Array): Uint8Array {
  if (!hasMacs(bytes)) return bytes;
  const key = blake2s(concat(new TextEncoder().encode("mac1----"), publicKey));
  const at = bytes.length - MACS_BYTES;
  const copy = Uint8Array.from(bytes);
  copy.set(blake2s(bytes.subarray(0, at), { key, dkLen: 16 }), at);
  return copy;
}

/**
 * What has to be genuine for the message to be. Not the sender's own index, which nothing but mac1 protects, nor mac2, which counts
 * under load only.
 */
function essence(bytes: Uint8Array): string {
  const parts = hasMacs(bytes) ? [bytes.subarray(0, 4), bytes.subarray(8, -MACS_BYTES)] : [bytes];
  return `${bytes.length} ${Buffer.concat(parts).toString("latin1")}`;
}

function hasMac1(bytes: Uint8Array, publicKey: Uint8Array): boolean {
  return Buffer.compare(withMac1(bytes, publicKey).subarray(0, -MAC2_BYTES), bytes.subarray(0, -MAC2_BYTES)) === 0;
}

/** A pair with a session, b waiting for a response as well, and one genuine message of each kind that b has not seen. */
async function prepare(): Promise<{ pair: Pair; genuine: Uint8Array[] }> {
  const pair = (await Pair.create("fuzz")).connect();
  pair.sendFromA(200);
  const data = pair.a.sent.splice(0)[0]!.bytes;
  pair.advance(6_000);
  pair.peerB.sendInitiation("first");
  pair.a.lane.flush();
  const initiation = pair.a.sent.splice(0)[0]!.bytes;
  pair.peerA.sendInitiation("first");
  pair.b.lane.flush();
  pair.a.receive(pair.b.sent.splice(0)[0]!.bytes, pair.b.address);
  const response = pair.a.sent.splice(0)[0]!.bytes;
  const cookieReply = new Uint8Array(64).fill(7);
  cookieReply.set([MESSAGE_COOKIE_REPLY, 0, 0, 0, ...response.subarray(8, 12)]);
  return { pair, genuine: [initiation, response, cookieReply, data] };
}

function expectSilence(node: TestNode, datagrams: readonly Uint8Array[]): void {
  const total = () => Object.values(drops(node)).reduce((sum, count) => sum + count, 0);
  const [before, dropped] = [state(node), total()];
  node.receiveTogether(datagrams.map((bytes) => ({ bytes, from: STRANGER, tos: 0 })));
  expect(total() - dropped).toBe(datagrams.length);
  expect(node.delivered).toEqual([]);
  expect(state(node)).toBe(before);
  const answers = node.sent.splice(0);
  expect(answers.length).toBeLessThanOrEqual(datagrams.length);
  for (const { bytes } of answers) expect([bytes[0], bytes.length]).toEqual([MESSAGE_COOKIE_REPLY, 64]);
}

export const receive: Target = {
  name: "receive",
  about: "datagrams from the network: handshake, cookies, transport",
  async open() {
    let { pair, genuine } = await prepare();
    const publicKey = pair.b.publicKey;
    // The cookie reply is a forgery already.
    const known = new Set(genuine.filter((bytes) => bytes[0] !== MESSAGE_COOKIE_REPLY).map(essence));
    const datagram = fc
      .tuple(hostile(genuine, 300), fc.boolean())
      .map(([bytes, sealed]) => (sealed ? withMac1(bytes, publicKey) : bytes));
    let sound = true;
    return fc.asyncProperty(fc.array(datagram, { minLength: 1, maxLength: 8 }), async (drawn) => {
      // What a failure left behind must not fail its smaller inputs.
      if (!sound) ({ pair, genuine } = await prepare());
      sound = false;
      expectSilence(
        pair.b,
        drawn.filter((bytes) => !(known.has(essence(bytes)) && hasMac1(bytes, publicKey))),
      );
      sound = true;
    });
  },
};
