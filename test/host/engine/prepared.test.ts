// What handshakes of peers will need is computed while there is nothing else to do, for a few at a time.
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

it("a table of each key once there are many peers, where there may be threads: elsewhere there is no room for any", async () => {
  const tables = ({ engine: { core } }: TestNode) => core.bytes.slice(core.exports.combs.value, core.at.drops);
  const used = (node: TestNode) => tables(node).findLastIndex((byte) => byte !== 0) + 1;
  const node = await TestNode.create("tables", endpoint(1), undefined, "shared");
  node.setPrivateKey(PRIVATE_KEY);
  for (let i = 0; i < 15; i++) node.addPeer(publicKeyOf(i), undefined);
  prepareAll(node);
  expect(used(node)).toBe(0);
  node.addPeer(publicKeyOf(15), undefined);
  prepareAll(node);
  const all = tables(node);
  const bytes = used(node) / 16;
  const each = Array.from({ length: 16 }, (_, i) => Buffer.from(all.slice(i * bytes, (i + 1) * bytes)).toString("hex"));
  expect(new Set(each).size).toBe(16);
  node.addPeer(publicKeyOf(16), undefined);
  prepareAll(node);
  expect(used(node)).toBe(17 * bytes);
  expect(tables(node).subarray(0, 16 * bytes)).toEqual(all.subarray(0, 16 * bytes));
  expect(tables(await TestNode.create("no tables", endpoint(1)))).toHaveLength(0);
});
