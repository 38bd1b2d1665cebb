/** What is taken back when nothing had been lost: of the repair (recovery.ts) and of the window (cubic.ts). */
import { expect, test } from "vitest";
import { Cubic } from "../../../../host/net/tcp/cubic.ts";
import { Recovery } from "../../../../host/net/tcp/recovery.ts";
import { Scoreboard } from "../../../../host/net/tcp/scoreboard.ts";

const MSS = 1000;

function recovering(): Recovery {
  const scoreboard = new Scoreboard();
  scoreboard.sent(0, 10 * MSS, 0);
  const recovery = new Recovery();
  recovery.begin(scoreboard, 0, 10 * MSS, new Cubic(MSS));
  return recovery;
}

test("an acknowledgement before anything was sent again answers the original, with a timestamp or without", () => {
  // The pace, or a sink without room, may keep what is to be sent again for a while.
  expect(recovering().answersOriginal(Number.NaN)).toBe(true);
  expect(recovering().answersOriginal(50)).toBe(true);
});

test("afterwards its timestamp tells", () => {
  const recovery = recovering();
  recovery.resent(MSS, 60);
  expect([59, 60, Number.NaN].map((echo) => recovery.answersOriginal(echo))).toEqual([true, false, false]);
});

/** Rounds of slow start, each with so many milliseconds of round trip. */
function grow(control: Cubic, rounds: readonly number[]): void {
  let una = 0;
  for (const [round, rtt] of rounds.entries()) {
    const nxt = una + control.window;
    for (; una < nxt; una += MSS) control.acknowledged(MSS, rtt, rtt, una + MSS, nxt, 100 * round);
  }
}

test("slow start that was ended for nothing goes on, and still sees a queue grow", () => {
  const control = new Cubic(MSS);
  grow(control, [50, 50]);
  const { window } = control;
  control.limit(control.lost(window));
  control.undo();
  expect([control.window, control.threshold]).toEqual([window, Number.POSITIVE_INFINITY]);
  // RFC 9406: a round of higher round trips, and five of slower growth.
  grow(control, [50, 70, 70, 70, 70, 70, 70, 70, 70]);
  expect(control.threshold).toBeLessThan(Number.POSITIVE_INFINITY);
});
