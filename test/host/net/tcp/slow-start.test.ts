/** HyStart++ by the numbers of RFC 9406 §4.3. */
import { describe, expect, test } from "vitest";
import { SlowStart } from "../../../../host/net/tcp/slow-start.ts";

const SEGMENT = 1000;

class Flow {
  readonly slowStart = new SlowStart();
  #at = 0;

  /** A round trip's acknowledgements, all of one round-trip time. @returns growth by each */
  round(rtt: number, samples = 8): number[] {
    const end = this.#at + samples * SEGMENT;
    const growth = Array.from({ length: samples }, (_, i) =>
      this.slowStart.grow(SEGMENT, rtt, this.#at + (i + 1) * SEGMENT, end),
    );
    this.#at = end;
    return growth;
  }
}

const full = Array(8).fill(SEGMENT);
const quarters = Array(8).fill(SEGMENT / 4);

test("round trips that stay as they are let the window double", () => {
  const flow = new Flow();
  for (let i = 0; i < 10; i++) expect(flow.round(100)).toEqual(full);
});

// An eighth of the round trip before, but 4 ms at least and 16 ms at most.
test.each([
  [10, 13.9, 14],
  [100, 112.4, 112.5],
  [400, 415.9, 416],
])("after %i ms, %f ms are no delay, and %f ms are one", (before, calm, delayed) => {
  const first = new Flow();
  first.round(before);
  first.round(calm);
  expect(first.round(calm)).toEqual(full);
  const second = new Flow();
  second.round(before);
  second.round(delayed);
  expect(second.round(delayed)).toEqual(quarters);
});

test("seven samples are too few to judge by", () => {
  const flow = new Flow();
  flow.round(100);
  expect(flow.round(200, 7)).toEqual(Array(7).fill(SEGMENT));
});

describe("conservative growth", () => {
  function conservative(): Flow {
    const flow = new Flow();
    flow.round(100);
    flow.round(150);
    return flow;
  }

  test("begins with the eighth sample of the round", () => {
    const flow = new Flow();
    flow.round(100);
    expect(flow.round(150, 9)).toEqual([...full, SEGMENT / 4]);
  });

  test("lasts for five rounds, and then slow start is over", () => {
    const flow = conservative();
    for (let i = 1; i < 5; i++) expect(flow.round(150)).toEqual(quarters);
    expect(flow.round(150)).toContain(-1);
  });

  test("goes back to the full speed when round trips are shorter again: it was a burst", () => {
    const flow = conservative();
    expect(flow.round(150)).toEqual(quarters);
    expect(flow.round(149).slice(0, 7)).toEqual(quarters.slice(0, 7));
    expect(flow.round(149)).toEqual(full);
  });

  test("acknowledgements that measure nothing end nothing", () => {
    const flow = conservative();
    expect(flow.round(Number.NaN)).toEqual(quarters);
  });
});
