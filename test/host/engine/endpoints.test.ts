// Where a peer is: it is followed on whatever is authenticated, before a look inside, and on nothing else.
import { beforeEach, describe, expect, it } from "vitest";
import { PATH_BYTES, PEER_PATH } from "../../../assembly/abi.ts";
import type { Endpoint } from "../../../host/core/core.ts";
import { fillRx, rxPath } from "../../../host/core/records/rx.ts";
import { TestNode } from "../../support/node.ts";
import { endpoint, HOST_A, HOST_B, Pair, packet } from "./support/pair.ts";

let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`endpoints ${run}`);
});

const first = (sent: { bytes: Uint8Array }[]): Uint8Array => sent.splice(0)[0]!.bytes;

describe("roaming", () => {
  it("is followed on an initiation", () => {
    pair.sendFromA();
    pair.b.receive(first(pair.a.sent), endpoint(7));
    expect(pair.peerA.endpoint()).toEqual(endpoint(7));
    expect(pair.b.sent[0]!.to).toEqual(endpoint(7));
  });

  it("is followed on a response", () => {
    pair.sendFromA();
    pair.b.receive(first(pair.a.sent), pair.a.address);
    pair.a.receive(first(pair.b.sent), endpoint(8));
    expect(pair.peerB.endpoint()).toEqual(endpoint(8));
  });

  it("is followed on data and on a keepalive, to another port or family", () => {
    pair.connect();
    const v6 = { address: new Uint8Array(16).fill(0xfd), port: 9, scope: 0 };
    for (const place of [endpoint(7), endpoint(7, 9999), v6]) {
      pair.sendFromA();
      pair.b.receive(first(pair.a.sent), place);
      expect(pair.peerA.endpoint()).toEqual(place);
    }
    pair.peerB.sendKeepalive();
    pair.a.lane.flush();
    pair.b.receive(first(pair.a.sent), endpoint(1));
    expect(pair.peerA.endpoint()).toEqual(endpoint(1));
    pair.sendFromB();
    expect(pair.b.sent[0]!.to).toEqual(endpoint(1));
  });

  it("is followed whichever byte of the path has changed", () => {
    pair.connect();
    const { core } = pair.b.engine;
    const known = core.peer(pair.peerA.slot) + PEER_PATH;
    const path = rxPath(core.rx(0));
    for (let byte = 0; byte < PATH_BYTES; byte++) {
      pair.sendFromA();
      const message = first(pair.a.sent);
      core.bytes.set(message, core.at.rxBuffers);
      fillRx(core.views, core.rx(0), core.at.rxBuffers, message.length, message.length, 0);
      core.bytes.copyWithin(path, known, known + PATH_BYTES);
      core.bytes[path + byte]! ^= 1;
      core.exports.receive(1, pair.b.now);
      expect(core.bytes.slice(known, known + PATH_BYTES)).toEqual(core.bytes.slice(path, path + PATH_BYTES));
    }
  });

  it("is followed to an address that the peer has inside only where that is allowed", () => {
    const inside = (port: number) => ({ address: HOST_A, port, scope: 0 });
    const asked: Endpoint[] = [];
    pair.b.mayFollow = (from) => {
      asked.push(from);
      return from.port === 443;
    };
    // The initiation is answered where the peer was known to be.
    pair.sendFromA();
    pair.b.receive(first(pair.a.sent), inside(7));
    expect(pair.peerA.endpoint()).toEqual(pair.a.address);
    expect(pair.b.sent[0]!.to).toEqual(pair.a.address);
    pair.exchange();
    pair.sendFromA();
    pair.b.receive(first(pair.a.sent), inside(7));
    expect(pair.peerA.endpoint()).toEqual(pair.a.address);
    pair.sendFromA();
    pair.b.receive(first(pair.a.sent), inside(443));
    expect(pair.peerA.endpoint()).toEqual(inside(443));
    pair.sendFromA();
    pair.b.receive(first(pair.a.sent), endpoint(7));
    expect(pair.peerA.endpoint()).toEqual(endpoint(7));
    expect(new Set(asked.map(({ port }) => port))).toEqual(new Set([7, 443]));
  });

  it("what was offered first does not win over what came later", () => {
    pair.connect();
    pair.b.mayFollow = () => true;
    const { core } = pair.b.engine;
    pair.sendFromA();
    pair.sendFromA();
    const [one, two] = pair.a.sent.splice(0);
    pair.b.receiveTogether([
      { bytes: one!.bytes, from: { address: HOST_A, port: 7, scope: 0 } },
      { bytes: two!.bytes, from: endpoint(9) },
    ]);
    expect(core.readEndpoint(pair.peerA.path)).toEqual(endpoint(9));
  });

  it("an endpoint that is configured under traffic is used at once, and the session lives on", () => {
    pair.connect();
    pair.peerB.setEndpoint(endpoint(50));
    pair.a.send(packet(HOST_A, HOST_B));
    expect(pair.a.sent.map(({ to, bytes }) => [to, bytes[0]])).toEqual([[endpoint(50), 4]]);
  });

  it("a peer that had no endpoint yet keeps trying, so its keepalives start soon after it gets one", async () => {
    const lonely = await TestNode.create("lonely", endpoint(3));
    lonely.setPrivateKey(new Uint8Array(32).fill(0x33));
    const peer = lonely.addPeer(pair.b.publicKey, undefined, [HOST_B, 32]);
    peer.setPersistentKeepalive(25);
    lonely.engine.bringUp(lonely.now);
    peer.commit();
    expect(lonely.sent).toEqual([]);
    peer.setEndpoint(pair.b.address);
    peer.commit();
    lonely.advance(lonely.now + 6_000);
    expect(lonely.sent.map(({ bytes }) => bytes[0])).toEqual([1]);
  });
});

describe("events", () => {
  it("of a handshake are looked after in the same turn, so that their list cannot grow", () => {
    pair.sendFromA();
    const { core } = pair.b.engine;
    pair.b.receive(first(pair.a.sent), endpoint(7));
    expect(core.exports.takeTouched()).toBe(0);
  });
});
