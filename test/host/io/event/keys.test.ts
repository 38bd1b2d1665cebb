/** Where keys are while a device lives, and that they are nowhere once it is closed. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  decodeKey,
  encodeKey,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  KeyError,
  publicKeyOf,
} from "../../../../host/index.ts";
import { closeAll, exchange, introduce, makeNode, makePair } from "./support.ts";

const { Memory } = WebAssembly;
let memories: WebAssembly.Memory[] = [];

beforeEach(() => {
  memories = [];
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.push(this);
    }
  };
});
afterEach(() => {
  WebAssembly.Memory = Memory;
});

/** How often the bytes occur in the n-th device's linear memory. */
function places(device: number, bytes: Uint8Array): number {
  const memory = Buffer.from(memories[device]!.buffer);
  let count = 0;
  for (let at = memory.indexOf(bytes); at >= 0; at = memory.indexOf(bytes, at + 1)) count += 1;
  return count;
}

describe("linear memory", () => {
  it("holds each key in use once, and none after close", async () => {
    const presharedKey = generatePresharedKey();
    const nodes = await makePair(presharedKey);
    const [left, right] = nodes;
    await exchange(left, right, "hello");
    await exchange(right, left, "hello");
    for (const [i, { privateKey }] of nodes.entries()) {
      expect(places(i, privateKey)).toBe(1);
      expect(places(i, presharedKey)).toBe(1);
    }
    await closeAll(nodes);
    for (const [i, { privateKey }] of nodes.entries()) {
      expect(places(i, privateKey)).toBe(0);
      expect(places(i, presharedKey)).toBe(0);
    }
  });

  it("holds nothing of a peer that was removed, nor of an identity that was replaced", async () => {
    const [left, right] = [await makeNode(1), await makeNode(2)];
    const presharedKey = generatePresharedKey();
    introduce(left, right, "no endpoint", presharedKey);
    expect(places(0, presharedKey)).toBe(1);
    left.device.updatePeer(right.device.publicKey, { presharedKey: null });
    expect(places(0, presharedKey)).toBe(0);
    left.device.updatePeer(right.device.publicKey, { presharedKey });
    left.device.removePeer(right.device.publicKey);
    expect(places(0, presharedKey)).toBe(0);
    left.device.setPrivateKey(generatePrivateKey());
    expect(places(0, left.privateKey)).toBe(0);
    await closeAll([left, right]);
  });

  it("holds no key when a device could not be made", async () => {
    const privateKey = generatePrivateKey();
    const peers = [{ publicKey: publicKeyOf(privateKey), allowedIps: [] }];
    await expect(makeNode(1, { privateKey, peers })).rejects.toMatchObject({ code: "OWN_KEY" });
    expect(places(0, privateKey)).toBe(0);
  });
});

describe("keys", () => {
  it("are made clamped, and give the public key that the device shows", async () => {
    const privateKey = generatePrivateKey();
    expect([privateKey[0]! & 7, privateKey[31]! & 192]).toEqual([0, 64]);
    const node = await makeNode(1, { privateKey });
    expect(publicKeyOf(privateKey)).toEqual(node.device.publicKey);
    await closeAll([node]);
  });

  it("stay as the caller gave them, and may be wiped at once", async () => {
    const privateKey = generatePrivateKey();
    const copy = privateKey.slice();
    const publicKey = publicKeyOf(privateKey);
    const node = await makeNode(1, { privateKey });
    expect(privateKey).toEqual(copy);
    privateKey.fill(0);
    expect(node.device.publicKey).toEqual(publicKey);
    await closeAll([node]);
  });

  it("go to base64 and back as bytes; public keys as text too", () => {
    const key = generatePresharedKey();
    const text = encodeKey(key);
    expect(Buffer.from(text).toString("latin1")).toBe(Buffer.from(key).toString("base64"));
    expect(decodeKey(text)).toEqual(key);
    expect(formatPublicKey(key)).toBe(Buffer.from(key).toString("base64"));
  });

  it("that are none are refused", () => {
    for (const text of ["", "A".repeat(44), `${"A".repeat(42)}B=`, `${"A".repeat(43)}=\n`]) {
      expect(() => decodeKey(Buffer.from(text))).toThrow(KeyError);
    }
    for (const action of [encodeKey, formatPublicKey, publicKeyOf]) {
      expect(() => action(new Uint8Array(31))).toThrow(KeyError);
    }
  });

  it("are taken as base64 text for public keys", async () => {
    const node = await makeNode(1);
    const publicKey = publicKeyOf(generatePrivateKey());
    node.device.addPeer({ publicKey: formatPublicKey(publicKey), allowedIps: [] });
    expect(node.device.statistics().peers[0]?.publicKey).toEqual(publicKey);
    node.device.removePeer(formatPublicKey(publicKey));
    expect(node.device.statistics().peers).toEqual([]);
    await closeAll([node]);
  });
});
