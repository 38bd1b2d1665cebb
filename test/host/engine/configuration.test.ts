// Changes of configuration under traffic: what need not be lost is not lost.
import { beforeEach, describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import type { Peer } from "../../../host/engine/peer.ts";
import { TestNode } from "../../support/node.ts";
import { allKeypairs, drops, endpoint, HOST_A, HOST_B, Pair, packet, START } from "./support/pair.ts";

const { MESSAGE_INITIATION, MESSAGE_TRANSPORT, MESSAGE_RESPONSE } = abi;
const NEW_KEY = new Uint8Array(32).fill(0x33);
let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`configuration ${run}`);
});

function setPresharedKey(node: TestNode, peer: Peer, filling: number): void {
  const { core } = node.engine;
  core.bytes.fill(filling, core.at.secretExchange, core.at.secretExchange + 32);
  peer.setPresharedKey(core.at.secretExchange);
  core.wipe(core.at.secretExchange, 32);
}

describe("private key", () => {
  it("a new one: nothing more is sent under the old sessions, but what comes under them is taken", () => {
    pair.connect();
    pair.sendFromB();
    const late = pair.b.sent.splice(0)[0]!.bytes;
    pair.a.setPrivateKey(NEW_KEY);
    pair.a.receive(late, pair.b.address);
    expect(pair.a.delivered).toHaveLength(1);
    pair.sendFromA();
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_INITIATION]);
  });

  it("a new one starts a handshake at once, although the last was a moment ago", () => {
    pair.connect();
    pair.a.setPrivateKey(NEW_KEY);
    pair.b.engine.removePeer(pair.peerA);
    pair.b.addPeer(pair.a.publicKey, endpoint(1), [HOST_A, 32]);
    pair.advance(100);
    pair.clear();
    pair.sendFromA();
    pair.exchange();
    expect(pair.b.delivered).toEqual([packet(HOST_A, HOST_B)]);
    expect(pair.times(pair.a, MESSAGE_INITIATION, START)).toEqual([100]);
  });

  it("the present one again changes nothing", () => {
    pair.connect();
    pair.a.setPrivateKey(new Uint8Array(32).fill(0x11));
    pair.sendFromA();
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_TRANSPORT]);
  });

  it("a peer with the key that becomes our own goes, and cannot be made again", () => {
    pair.a.setPrivateKey(new Uint8Array(32).fill(0x22));
    expect([...pair.a.engine.peers()]).toEqual([]);
    expect(pair.peerB.alive).toBe(false);
    const { core } = pair.a.engine;
    core.bytes.set(pair.b.publicKey, core.at.exchange);
    expect(pair.a.engine.createPeer(core.at.exchange)).toBeUndefined();
  });

  it("none: nothing is sent, nothing is accepted; the first one sends what waits", async () => {
    const c = await TestNode.create(`anonymous ${run}`, endpoint(3), START);
    c.addPeer(pair.b.publicKey, pair.b.address, [HOST_B, 32]);
    c.engine.bringUp(START);
    c.send(packet(HOST_A, HOST_B));
    expect(c.sent).toEqual([]);
    pair.peerA.setEndpoint(c.address);
    pair.sendFromB();
    c.receive(pair.b.sent.splice(0)[0]!.bytes, pair.b.address);
    expect(drops(c)).toEqual({ mac1: 1 });
    c.setPrivateKey(new Uint8Array(32).fill(0x11));
    c.lane.flush();
    expect(c.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_INITIATION]);
  });

  it("taken away: sessions end for sending", () => {
    pair.connect();
    pair.a.setPrivateKey(new Uint8Array(32));
    expect(pair.a.engine.publicKey()).toBeUndefined();
    pair.sendFromA();
    expect(pair.a.sent).toEqual([]);
  });
});

describe("preshared key", () => {
  it("a change leaves the session, and counts from the next handshake on", () => {
    pair.connect();
    setPresharedKey(pair.a, pair.peerB, 7);
    pair.sendFromA();
    pair.exchange();
    expect(pair.b.delivered).toHaveLength(1);
    pair.advance(120_000);
    pair.sendFromA();
    pair.exchange();
    pair.advance(6_000);
    expect(pair.a.engine.counters).toMatchObject({ initiationsSent: 3, responsesReceived: 1 });
    expect(drops(pair.a).handshake).toBeGreaterThan(0);
    setPresharedKey(pair.b, pair.peerA, 7);
    pair.advance(6_000);
    expect(pair.a.engine.counters).toMatchObject({ responsesReceived: 2 });
  });
});

describe("low-order and removed peers", () => {
  it("a public key of low order is accepted, and nothing is ever sent to it", () => {
    const peer = pair.a.addPeer(new Uint8Array(32), endpoint(9), [Uint8Array.of(10, 0, 0, 9), 32]);
    peer.setPersistentKeepalive(1);
    peer.commit();
    pair.a.send(packet(HOST_A, Uint8Array.of(10, 0, 0, 9)));
    pair.advance(200_000);
    expect(pair.log).toEqual([]);
  });

  it("a removed peer leaves no byte, and its slot serves another", () => {
    pair.connect();
    const { core } = pair.a.engine;
    pair.a.engine.removePeer(pair.peerB);
    const rest = core.bytes.subarray(core.at.peerSecrets, core.at.uapiAreas);
    expect(rest.every((byte) => byte === 0)).toBe(true);
    pair.a.addPeer(pair.b.publicKey, pair.b.address, [HOST_B, 32]);
    pair.advance(6_000);
    pair.sendFromA();
    pair.exchange();
    expect(pair.b.delivered).toHaveLength(1);
  });

  it("removal sends what was sealed already to the right place", () => {
    pair.connect();
    pair.a.seal(packet(HOST_A, HOST_B));
    pair.a.engine.removePeer(pair.peerB);
    expect(pair.a.sent.map(({ to }) => to)).toEqual([pair.b.address]);
  });
});

describe("interface", () => {
  it("down forgets sessions and keys; up starts afresh, at once", () => {
    pair.connect();
    pair.a.engine.takeDown(pair.now);
    const { core } = pair.a.engine;
    expect(allKeypairs(core).every((byte) => byte === 0)).toBe(true);
    pair.sendFromB();
    pair.exchange();
    expect(pair.a.delivered).toEqual([]);
    pair.advance(100);
    pair.a.engine.bringUp(pair.now);
    pair.clear();
    pair.sendFromA();
    pair.exchange();
    expect(pair.times(pair.a, MESSAGE_INITIATION)).toHaveLength(1);
    expect(pair.b.delivered).toHaveLength(1);
  });

  it("up sends a keepalive where one is due", () => {
    pair.a.engine.takeDown(pair.now);
    pair.peerB.setPersistentKeepalive(25);
    pair.peerB.commit();
    expect(pair.a.sent).toEqual([]);
    pair.a.engine.bringUp(pair.now);
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_INITIATION]);
  });

  it("up answers an initiation that came before, and does not cross it with one of its own", () => {
    pair.b.engine.takeDown(pair.now);
    pair.peerA.setPersistentKeepalive(25);
    pair.peerA.commit();
    pair.sendFromA();
    const [initiation] = pair.a.sent.splice(0);
    pair.b.engine.bringUp(pair.now, () => pair.b.receive(initiation!.bytes, pair.a.address));
    expect(pair.b.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_RESPONSE]);
    pair.exchange();
    expect(pair.b.delivered).toHaveLength(1);
  });

  it("a keepalive turned on and off again in one change is not sent", () => {
    pair.connect();
    pair.peerB.setPersistentKeepalive(25);
    pair.peerB.setPersistentKeepalive(0);
    pair.peerB.commit();
    pair.a.lane.flush();
    expect(pair.a.sent).toEqual([]);
    pair.peerB.setPersistentKeepalive(25);
    pair.peerB.commit();
    pair.a.lane.flush();
    expect(pair.a.sent).toHaveLength(1);
  });
});
