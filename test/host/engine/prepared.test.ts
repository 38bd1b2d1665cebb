// What the handshakes of all peers have in common with us is computed while there is nothing else to do, a few at a time.
import { x25519 } from "@noble/curves/ed25519.js";
import { expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { TestNode } from "../../support/node.ts";
import { endpoint } from "./support/pair.ts";

const PRIVATE_KEY = new Uint8Array(32).fill(99);
const publicKeyOf = (number: number): Uint8Array => x25519.getPublicKey(new Uint8Array(32).fill(number + 1));

function prepareAll({ engine }: TestNode): number {
  for (let turns = 1; ; turns++) if (!engine.prepare()) return turns;
}

it("each peer's secret, around slots that are free, and one that comes later", async () => {
  const node = await TestNode.create("prepared", endpoint(1));
  const { engine } = node;
  const { core } = engine;
  const peers = Array.from({ length: 7 }, (_, i) => ({ peer: node.addPeer(publicKeyOf(i), undefined), number: i }));
  engine.removePeer(peers.splice(2, 1)[0]!.peer);
  const mismatches = () =>
    peers.filter(({ peer, number }) => {
      const secrets = core.bytes.subarray(core.secret(peer.slot), core.secret(peer.slot) + abi.SECRET_BYTES);
      return !Buffer.from(secrets).includes(x25519.getSharedSecret(PRIVATE_KEY, publicKeyOf(number)));
    }).length;
  expect(engine.prepare(), "without a private key").toBe(false);
  node.setPrivateKey(PRIVATE_KEY);
  expect(mismatches()).toBe(6);
  expect(prepareAll(node)).toBe(2);
  expect(mismatches()).toBe(0);
  peers.push({ peer: node.addPeer(publicKeyOf(9), undefined), number: 9 });
  expect(mismatches()).toBe(1);
  prepareAll(node);
  expect(mismatches()).toBe(0);
});
