// Under load: who asks for too much has to prove where it is, and nobody else suffers.
import { blake2s } from "@noble/hashes/blake2.js";
import { beforeEach, describe, expect, it, vi } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import type { Endpoint } from "../../../host/core/core.ts";
import { RateLimiter } from "../../../host/engine/rate-limiter.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../reference/noise.ts";
import type { TestNode } from "../../support/node.ts";
import { drops, endpoint, HOST_A, Pair, packet, START, state } from "./support/pair.ts";

const LABEL = new TextEncoder().encode("mac1----");
const UNDER_LOAD = 512;
const QUEUE = 4096;
let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`load ${run}`);
});

/** Garbage with a good mac1: all that a stranger can make. */
function strangersInitiation(to: TestNode, seed: number): Uint8Array {
  const bytes = new Uint8Array(abi.INITIATION_BYTES).fill(seed);
  bytes.set([abi.MESSAGE_INITIATION, 0, 0, 0, seed, seed >>> 8]);
  const key = blake2s(Uint8Array.of(...LABEL, ...to.publicKey));
  bytes.set(blake2s(bytes.subarray(0, 116), { key, dkLen: 16 }), 116);
  bytes.fill(0, 132);
  return bytes;
}

/** Put messages into a node's queue without letting it answer any. */
function enqueue(node: TestNode, messages: Uint8Array[], from: Endpoint): void {
  for (const bytes of messages) node.take(bytes, from);
}

function flood(node: TestNode, count: number, from = endpoint(66)): void {
  enqueue(
    node,
    Array.from({ length: count }, (_, i) => strangersInitiation(node, i & 0xff)),
    from,
  );
}

const drain = (node: TestNode): void => {
  while (node.engine.core.exports.queued() > 0) node.advance();
};

describe("several that wait", () => {
  /** An initiation of a peer of b that is made for it. */
  function peersInitiation(number: number): { initiator: ReferenceInitiator; message: Uint8Array } {
    const privateKey = new Uint8Array(32).fill(0x40 + number);
    pair.b.addPeer(publicKeyOf(privateKey), undefined);
    const initiator = new ReferenceInitiator(privateKey, pair.b.publicKey);
    const ephemeral = new Uint8Array(32).fill(0x80 + number);
    return {
      initiator,
      message: initiator.createInitiation(timestamp(1_700_000_000, 0), { ephemeral, senderIndex: number }),
    };
  }

  /** What the core computed ahead would be here. */
  function leftovers(): number {
    const { at, bytes } = pair.b.engine.core;
    return bytes.subarray(at.secretExchange + abi.SECRET_EXCHANGE_BYTES, at.peerSecrets).filter((x) => x !== 0).length;
  }

  it.each([1, 2, 3, 7, 21])("are all answered: %i", (count) => {
    const made = Array.from({ length: count }, (_, i) => peersInitiation(i));
    enqueue(
      pair.b,
      made.map(({ message }) => message),
      endpoint(66),
    );
    while (pair.b.engine.core.exports.queued() > 0) {
      pair.b.advance();
      expect(leftovers()).toBe(0);
    }
    const responses = pair.b.sent.filter(({ bytes }) => bytes[0] === abi.MESSAGE_RESPONSE);
    expect(responses.length).toBe(count);
    made.forEach(({ initiator }, i) => {
      initiator.consumeResponse(responses[i]!.bytes);
    });
  });

  it.each(Array.from({ length: 16 }, (_, forged) => [forged.toString(2).padStart(4, "0"), forged]))(
    "of four at once those that are not forged (%s) are answered",
    (_, forged) => {
      const made = Array.from({ length: 4 }, (_, i) => peersInitiation(i));
      const isForged = (i: number) => ((Number(forged) >> (3 - i)) & 1) === 1;
      const messages = made.map(({ message }, i) => (isForged(i) ? strangersInitiation(pair.b, i) : message));
      enqueue(pair.b, messages, endpoint(66));
      drain(pair.b);
      expect(leftovers()).toBe(0);
      const answered = made.filter((_, i) => !isForged(i));
      const responses = pair.b.sent.filter(({ bytes }) => bytes[0] === abi.MESSAGE_RESPONSE);
      expect(responses.length).toBe(answered.length);
      answered.forEach(({ initiator }, i) => {
        initiator.consumeResponse(responses[i]!.bytes);
      });
    },
  );

  it("one draw of random bytes serves two answers", () => {
    const draws = vi.spyOn(pair.b.engine.core, "randomArea");
    enqueue(
      pair.b,
      [0, 1, 2].map((i) => peersInitiation(i).message),
      endpoint(66),
    );
    drain(pair.b);
    expect(pair.b.sent.filter(({ bytes }) => bytes[0] === abi.MESSAGE_RESPONSE).length).toBe(3);
    expect(draws).toHaveBeenCalledTimes(2);
  });

  it("two of one peer's are answered once", () => {
    const { initiator, message } = peersInitiation(0);
    const other = peersInitiation(1);
    enqueue(pair.b, [message, message, other.message, message], endpoint(66));
    drain(pair.b);
    const responses = pair.b.sent.filter(({ bytes }) => bytes[0] === abi.MESSAGE_RESPONSE);
    expect(responses.length).toBe(2);
    initiator.consumeResponse(responses[0]!.bytes);
    other.initiator.consumeResponse(responses[1]!.bytes);
    expect(leftovers()).toBe(0);
  });

  it("strangers between them harm nobody", () => {
    const small = strangersInitiation(pair.b, 3);
    small.fill(0, 8, 40);
    small.set(
      blake2s(small.subarray(0, 116), { key: blake2s(Uint8Array.of(...LABEL, ...pair.b.publicKey)), dkLen: 16 }),
      116,
    );
    const made = Array.from({ length: 6 }, (_, i) => peersInitiation(i));
    const messages = made.flatMap(
      ({ message }, i) => [[small], [message], [strangersInitiation(pair.b, i), message]][i % 3]!,
    );
    messages.push(...made.filter((_, i) => i % 3 === 0).map(({ message }) => message));
    enqueue(pair.b, messages, endpoint(66));
    drain(pair.b);
    expect(pair.b.sent.filter(({ bytes }) => bytes[0] === abi.MESSAGE_RESPONSE).length).toBe(6);
    expect(drops(pair.b)).toEqual({ low_order: 2, handshake: 2 });
    expect(leftovers()).toBe(0);
  });
});

describe("what is computed ahead", () => {
  /** What each call of the core's answered: for how many messages. */
  function countAhead(): number[] {
    const { core } = pair.b.engine;
    const { exports } = core;
    const answers: number[] = [];
    const agreeAhead = (most: number) => {
      const answer = exports.agreeAhead(most);
      answers.push(answer);
      return answer;
    };
    Object.defineProperty(core, "exports", { value: { ...exports, agreeAhead } });
    return answers;
  }

  it.each([
    [2, [2]],
    [3, [2, 0]],
    [4, [4]],
    [7, [4, 2, 0]],
    // A turn ends after 16.
    [18, [4, 4, 4, 4, 2]],
  ])("of %i that wait is for %j at once", (messages, expected) => {
    const answers = countAhead();
    flood(pair.b, messages);
    drain(pair.b);
    expect(answers.filter((answer, i) => answer > 0 || i < expected.length)).toEqual(expected);
  });

  it("is nothing under load, for most of it would be for messages that are refused", () => {
    flood(pair.b, UNDER_LOAD);
    const answers = countAhead();
    drain(pair.b);
    expect(pair.b.engine.counters.cookieRepliesSent).toBeGreaterThan(0);
    expect(answers).toEqual([]);
  });
});

describe("load", () => {
  it("begins when 512 handshake messages wait, and lasts a second", () => {
    flood(pair.b, UNDER_LOAD - 1);
    drain(pair.b);
    expect(pair.b.engine.counters.cookieRepliesSent).toBe(0);
    pair.b.advance(START + 1_000);
    flood(pair.b, UNDER_LOAD);
    drain(pair.b);
    expect(pair.b.engine.counters.cookieRepliesSent).toBe(UNDER_LOAD);
    pair.b.advance(START + 1_999);
    flood(pair.b, 1);
    drain(pair.b);
    expect(pair.b.engine.counters.cookieRepliesSent).toBe(UNDER_LOAD + 1);
    pair.b.advance(START + 2_000);
    flood(pair.b, 1);
    drain(pair.b);
    expect(pair.b.engine.counters.cookieRepliesSent).toBe(UNDER_LOAD + 1);
  });

  it("the queue is bounded; what does not fit is counted", () => {
    const message = strangersInitiation(pair.b, 1);
    enqueue(
      pair.b,
      Array.from({ length: QUEUE + 5 }, () => message),
      endpoint(66),
    );
    expect(pair.b.engine.core.exports.queued()).toBe(QUEUE);
    expect(drops(pair.b)).toEqual({ handshake_queue: 5 });
  });

  it("messages are answered a few at a time, and the engine asks to be called again", () => {
    flood(pair.b, 100);
    pair.b.advance();
    expect(pair.b.engine.core.exports.queued()).toBe(84);
    expect(pair.b.engine.nextDeadline()).toBe(pair.b.now);
  });

  it("garbage without a good mac1 takes no place in the queue", () => {
    const garbage = strangersInitiation(pair.b, 1);
    garbage[120]! ^= 1;
    enqueue(pair.b, new Array(100).fill(garbage), endpoint(66));
    expect(pair.b.engine.core.exports.queued()).toBe(0);
    expect(drops(pair.b)).toEqual({ mac1: 100 });
  });

  it("cookie replies that nobody asked for cost no handshake its turn", () => {
    const reply = new Uint8Array(abi.COOKIE_REPLY_BYTES).fill(3);
    reply.set([abi.MESSAGE_COOKIE_REPLY, 0, 0, 0]);
    enqueue(pair.b, new Array(100).fill(reply), endpoint(66));
    flood(pair.b, 1);
    pair.b.advance();
    expect(pair.b.engine.core.exports.queued()).toBe(0);
  });

  it("down forgets what waits", () => {
    flood(pair.b, 100);
    pair.b.engine.takeDown(pair.now);
    expect(pair.b.engine.core.exports.queued()).toBe(0);
  });

  it("a session under way does not notice", () => {
    pair.connect();
    flood(pair.b, 600);
    pair.sendFromA();
    pair.exchange();
    pair.sendFromB();
    pair.exchange();
    expect([pair.a.delivered.length, pair.b.delivered.length]).toEqual([1, 1]);
  });
});

describe("errors to the host", () => {
  it("are 50 at once and 1000 a second at the most", () => {
    const lost = (count: number): number => {
      pair.a.delivered = [];
      for (let i = 0; i < count; i++) pair.a.send(packet(HOST_A, Uint8Array.of(10, 9, 9, 9)));
      return pair.a.delivered.length;
    };
    expect(lost(80)).toBe(50);
    pair.a.advance(pair.now + 10);
    expect(lost(80)).toBe(10);
    expect(drops(pair.a)).toEqual({ no_peer: 160 });
  });
});

describe("cookies", () => {
  /** a's initiation comes while b is under load. @returns b's cookie reply */
  function fetchCookie(from = pair.a.address): Uint8Array {
    flood(pair.b, UNDER_LOAD);
    pair.sendFromA();
    enqueue(pair.b, [pair.a.sent.splice(0)[0]!.bytes], from);
    drain(pair.b);
    return pair.b.sent.splice(0).at(-1)!.bytes;
  }

  it("an initiator fetches a cookie and comes through with its next initiation", () => {
    const reply = fetchCookie();
    expect(reply).toHaveLength(abi.COOKIE_REPLY_BYTES);
    pair.a.receive(reply, pair.b.address);
    expect(pair.a.engine.counters.cookieRepliesReceived).toBe(1);
    // The retransmission carries mac2; b is under load again.
    pair.a.advance(pair.peerB.timers.retransmitHandshake);
    pair.b.now = pair.now;
    const retry = pair.a.sent.splice(0)[0]!.bytes;
    expect(retry.subarray(132).some((byte) => byte !== 0)).toBe(true);
    flood(pair.b, UNDER_LOAD);
    enqueue(pair.b, [retry], pair.a.address);
    drain(pair.b);
    expect(pair.b.engine.counters).toMatchObject({ initiationsReceived: 1, responsesSent: 1 });
  });

  it.each([
    ["another port", endpoint(1, 1)],
    ["another address", endpoint(3)],
  ])("a cookie is of no use at %s", (_, elsewhere) => {
    pair.a.receive(fetchCookie(), pair.b.address);
    pair.a.advance(pair.peerB.timers.retransmitHandshake);
    pair.b.now = pair.now;
    flood(pair.b, UNDER_LOAD);
    enqueue(pair.b, [pair.a.sent.splice(0)[0]!.bytes], elsewhere);
    drain(pair.b);
    expect(pair.b.engine.counters).toMatchObject({ initiationsReceived: 0 });
  });

  it("a response needs a cookie, too", () => {
    pair.sendFromA();
    pair.b.receive(pair.a.sent.splice(0)[0]!.bytes, pair.a.address);
    flood(pair.a, UNDER_LOAD);
    enqueue(pair.a, [pair.b.sent.splice(0)[0]!.bytes], pair.b.address);
    drain(pair.a);
    expect(pair.a.engine.counters).toMatchObject({ responsesReceived: 0, cookieRepliesSent: UNDER_LOAD + 1 });
    expect(pair.a.sent.at(-1)).toMatchObject({ to: pair.b.address, tos: 0 });
  });

  it("neither the request for a cookie nor its reply moves an endpoint", () => {
    const reply = fetchCookie(endpoint(77));
    expect(pair.peerA.endpoint()).toEqual(endpoint(1));
    pair.a.receive(reply, endpoint(78));
    expect(pair.a.engine.counters.cookieRepliesReceived).toBe(1);
    expect(pair.peerB.endpoint()).toEqual(endpoint(2));
  });

  it("a cookie reply is not answered and counts for nobody's traffic", () => {
    const reply = fetchCookie();
    const before = [pair.peerB.rxBytes(), pair.peerA.txBytes()];
    pair.a.receive(reply, pair.b.address);
    expect(pair.a.sent).toEqual([]);
    expect([pair.peerB.rxBytes(), pair.peerA.txBytes()]).toEqual(before);
  });

  it("a flood of a stranger leaves the state of all peers as it was", () => {
    pair.connect();
    const before = state(pair.b);
    flood(pair.b, 600);
    drain(pair.b);
    expect(state(pair.b)).toEqual(before);
  });
});

describe("rate of handshakes per source, under load", () => {
  let node: TestNode;
  let limiter: RateLimiter;
  beforeEach(async () => {
    node = pair.a;
    limiter = new RateLimiter();
  });

  function allowed(address: Uint8Array, now: number, port = 1): boolean {
    const path = node.engine.core.at.exchange;
    node.engine.core.writeEndpoint(path, { address, port, scope: 0 });
    return limiter.allow(node.engine.core, path, now);
  }
  const v4 = (last: number): Uint8Array => Uint8Array.of(198, 51, 100, last);
  const v6 = (network: number, host: number): Uint8Array =>
    Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, network, ...new Array(7).fill(0), host);

  it("five at once, then one in 50 ms", () => {
    const answers = Array.from({ length: 6 }, (_, i) => allowed(v4(1), 1_000, i));
    expect(answers).toEqual([true, true, true, true, true, false]);
    expect([allowed(v4(1), 1_049), allowed(v4(1), 1_050), allowed(v4(1), 1_051)]).toEqual([false, true, false]);
    expect([allowed(v4(1), 1_150), allowed(v4(1), 1_150), allowed(v4(1), 1_150)]).toEqual([true, true, false]);
  });

  it("each IPv4 address has its own", () => {
    for (let i = 0; i < 6; i++) allowed(v4(1), 1_000);
    expect(allowed(v4(2), 1_000)).toBe(true);
  });

  it("an IPv6 /64 shares one", () => {
    const answers = Array.from({ length: 6 }, (_, host) => allowed(v6(1, host), 1_000));
    expect(answers).toEqual([true, true, true, true, true, false]);
    expect(allowed(v6(2, 0), 1_000)).toBe(true);
  });

  it("is bounded in memory, and forgets", () => {
    const many = (count: number, now: number): number => {
      let taken = 0;
      for (let i = 0; i < count; i++) if (allowed(Uint8Array.of(10, i >>> 16, i >>> 8, i), now)) taken += 1;
      return taken;
    };
    expect(many(70_000, 1_000)).toBe(65_536);
    // Those that are known keep what they have.
    expect([allowed(Uint8Array.of(10, 0, 0, 1), 1_500), allowed(v4(1), 1_500)]).toEqual([true, false]);
    expect(many(70_000, 3_000)).toBe(65_536);
  });
});
