// A machine that slept: its own clock stood still, the wall clock did not.
import { beforeEach, describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { SleepWatch } from "../../../host/device/sleep-watch.ts";
import { drops, Pair, START } from "./support/pair.ts";

const { MESSAGE_INITIATION, MESSAGE_TRANSPORT } = abi;
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

describe("sleep", () => {
  it("makes a new session before anything is sent", () => {
    pair.a.wallOffset += 30;
    pair.advance(10);
    pair.clear();
    pair.sendFromA();
    pair.exchange();
    expect(pair.log.map(({ type }) => type).slice(0, 1)).toEqual([MESSAGE_INITIATION]);
    expect(pair.b.delivered).toHaveLength(1);
  });

  it("what comes is taken while the session is not yet 180 s old in truth, and no longer", () => {
    pair.a.wallOffset += 170;
    pair.advance(10);
    pair.sendFromB();
    pair.exchange();
    expect(pair.a.delivered).toHaveLength(1);
    pair.a.wallOffset += 10;
    pair.advance(10);
    pair.sendFromB();
    pair.exchange();
    expect(pair.a.delivered).toHaveLength(1);
    expect(drops(pair.a)).toEqual({ expired: 1 });
  });

  it("erases keys that grew too old meanwhile", () => {
    pair.a.wallOffset += 3_600;
    pair.advance(10);
    const { core } = pair.a.engine;
    expect(core.u32(core.peer(pair.peerB.slot) + abi.PEER_CURRENT)).toBe(0);
  });

  it("is not seen in a small correction of the clock, nor in one backward", () => {
    pair.a.wallOffset += 4;
    pair.advance(10);
    pair.a.wallOffset -= 3_000;
    pair.advance(10);
    pair.sendFromA();
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_TRANSPORT]);
  });

  it("a gap in our own clock ages sessions as well", () => {
    pair.a.now = pair.b.now = START + 200_000;
    pair.sendFromA();
    expect(pair.a.sent.map(({ bytes }) => bytes[0])).toEqual([MESSAGE_INITIATION]);
  });
});

describe("sleep watch", () => {
  it("tells how long the clock stood still, once", () => {
    const watch = new SleepWatch();
    expect(watch.slept(0, wall(1_000_000))).toBe(0);
    expect(watch.slept(1_000, wall(1_001_000))).toBe(0);
    expect(watch.slept(2_000, wall(1_062_000))).toBe(60_000);
    expect(watch.slept(3_000, wall(1_063_000))).toBe(0);
    expect(watch.slept(4_000, wall(1_004_000))).toBe(0);
  });
});
