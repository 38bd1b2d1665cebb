// A machine that slept: its own clock stood still, others did not. And clocks that somebody sets.
import { beforeEach, describe, expect, it } from "vitest";
import { MESSAGE_INITIATION, MESSAGE_TRANSPORT } from "../../../assembly/abi.ts";
import { peerCurrentKeypair } from "../../../host/core/records/peer.ts";
import { SleepWatch } from "../../../host/engine/sleep-watch.ts";
import { drops, Pair, START } from "./support/pair.ts";

let run = 0;
let pair: Pair;

beforeEach(async () => {
  run += 1;
  pair = await Pair.create(`sleep ${run}`);
  pair.connect();
  pair.advance(1_000);
});

const wall = (milliseconds: number) => ({
  seconds: Math.floor(milliseconds / 1000),
  nanoseconds: (milliseconds % 1000) * 1_000_000,
});

/** The machine goes on; nothing has come yet. */
const wake = () => pair.a.advance(pair.a.now + 10);

describe("sleep", () => {
  it("makes a new session at once, before anything is sent", () => {
    pair.clear();
    pair.a.sleep(30);
    wake();
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_INITIATION]);
    pair.sendFromA();
    pair.exchange();
    expect(pair.log[0]!.type).toBe(MESSAGE_INITIATION);
    expect(pair.b.delivered).toHaveLength(1);
  });

  it("starts no handshake with whom there was no session in use", () => {
    const other = pair.a.addPeer(new Uint8Array(32).fill(9), { address: Uint8Array.of(9, 9, 9, 9), port: 9, scope: 0 });
    pair.a.advance(pair.a.now + 180_000);
    pair.clear();
    pair.a.sleep(3_600);
    pair.advance(10);
    expect(pair.a.sent).toEqual([]);
    expect(other.lastHandshake().seconds).toBe(0);
  });

  it("what comes is taken while the session is not yet 180 s old in truth, and no longer", () => {
    pair.a.sleep(170);
    wake();
    pair.a.sent.splice(0);
    pair.sendFromB();
    pair.exchange();
    expect(pair.a.delivered).toHaveLength(1);
    pair.a.sleep(10);
    wake();
    pair.sendFromB();
    pair.exchange();
    expect(pair.a.delivered).toHaveLength(1);
    expect(drops(pair.a)).toEqual({ expired: 1 });
  });

  it("erases keys that grew too old meanwhile", () => {
    pair.a.sleep(3_600);
    pair.advance(10);
    const { core } = pair.a.engine;
    expect(peerCurrentKeypair(core.views, core.peer(pair.peerB.slot))).toBe(0);
  });

  it("a gap in our own clock ages sessions as well", () => {
    pair.a.now = pair.b.now = START + 200_000;
    pair.sendFromA();
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_INITIATION]);
  });
});

it.each([3_600, -3_600, 4, 10 * 365 * 86_400])("a wall clock that is set by %i s changes nothing", (seconds) => {
  pair.clear();
  pair.a.wallOffset += seconds;
  pair.advance(10);
  expect(pair.a.sent).toEqual([]);
  pair.sendFromB();
  pair.exchange();
  pair.sendFromA();
  pair.exchange();
  expect([pair.a.delivered.length, pair.b.delivered.length]).toEqual([1, 1]);
  expect(pair.log.map(({ type }) => type)).toEqual([MESSAGE_TRANSPORT, MESSAGE_TRANSPORT]);
});

describe("sleep watch", () => {
  it("tells how long the clock stood still, once, whatever the wall clock says", () => {
    let asleep = 0;
    let now = 0;
    const watch = new SleepWatch(() => 77_000 + now + asleep);
    const look = (at: number, wallAt: number) => {
      now = at;
      return watch.slept(at, wall(wallAt));
    };
    expect(look(0, 1_000_000)).toBe(0);
    asleep += 60_000;
    expect(look(1_000, 1_061_000)).toBe(60_000);
    expect(look(2_000, 9_000_000)).toBe(0);
    expect(look(3_000, 5_000)).toBe(0);
    asleep += 60_000;
    // The wall clock does not tell: it is noticed within a second.
    expect(look(3_500, 5_500)).toBe(0);
    expect(look(4_000, 6_000)).toBe(60_000);
  });

  it("is not fooled by a clock of whole seconds, and adds short sleeps up", () => {
    let asleep = 0;
    let now = 0;
    const watch = new SleepWatch(() => Math.floor((now + asleep) / 1000) * 1000);
    const look = (at: number) => {
      now = at;
      return watch.slept(at, wall(1_000_000 + at));
    };
    for (let at = 0; at < 20_000; at += 370) expect(look(at)).toBe(0);
    asleep += 3_000;
    expect(look(22_000)).toBe(0);
    asleep += 3_000;
    expect(look(24_000)).toBeGreaterThan(4_999);
    expect(look(26_000)).toBe(0);
  });

  it("goes by the wall clock where there is no other", () => {
    const watch = new SleepWatch();
    expect(watch.slept(0, wall(1_000_000))).toBe(0);
    expect(watch.slept(1_000, wall(1_001_000))).toBe(0);
    expect(watch.slept(2_000, wall(1_062_000))).toBe(60_000);
    expect(watch.slept(3_000, wall(1_063_000))).toBe(0);
    expect(watch.slept(4_000, wall(1_004_000))).toBe(0);
  });
});
