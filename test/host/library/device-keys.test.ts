/** Where keys are while a device lives, and that they are nowhere once it is closed. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  Device,
  decodeKey,
  encodeKey,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  KeyError,
  publicKeyOf,
  tunPair,
} from "../../../host/index.ts";
import { ReferenceResponder } from "../../reference/noise.ts";
import { endpoint, MemoryBind, settle } from "./memory-bind.ts";
import { closeAll, exchange, introduce, makeNode, makePair, packet, SMALL } from "./support.ts";

const { Memory } = WebAssembly;
let memories: WebAssembly.Memory[] = [];

// Loading the core makes a memory of its own, once.
beforeAll(async () => closeAll([await makeNode(1)]));
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

  it("holds the chaining key until the session is there, then the session's keys once, and none of them after close", async () => {
    const [tun, host] = tunPair();
    const bind = new MemoryBind();
    const [remoteKey, presharedKey] = [generatePrivateKey(), generatePresharedKey()];
    const peers = [
      { publicKey: publicKeyOf(remoteKey), presharedKey, allowedIps: ["10.0.0.2"], endpoint: "192.0.2.1:9" },
    ];
    const device = await Device.create({ privateKey: generatePrivateKey(), tun, bind, peers, limits: SMALL });
    await device.start();
    host.write(packet({ address: 1 }, { address: 2 }, new Uint8Array(40)));
    await settle();
    const responder = new ReferenceResponder(remoteKey, presharedKey);
    responder.consumeInitiation(bind.sent[0]!.bytes);
    expect(places(0, responder.state.chainingKey)).toBe(1);
    const { message, keys } = responder.createResponse({ ephemeral: generatePrivateKey(), senderIndex: 5 });
    bind.events!.receive(message, endpoint(9));
    await settle();
    expect(bind.sent.at(-1)!.bytes[0]).toBe(4);
    const session = [keys.sending, keys.receiving];
    expect(session.map((key) => places(0, key))).toEqual([1, 1]);
    expect(responder.state.secrets.filter((secret) => places(0, secret) > 0)).toHaveLength(1); // the static keys' DH
    await device.close();
    expect([...session, ...responder.state.secrets].filter((secret) => places(0, secret) > 0)).toEqual([]);
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
