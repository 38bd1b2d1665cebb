import { expect, it } from "vitest";
import { Burst, REST_MS } from "../../../host/os/burst.ts";

it("tells the first at once, what comes within a rest at its end, and nothing unasked", () => {
  const burst = new Burst();
  expect([burst.nextDeadline(), burst.isDue(0)]).toEqual([Number.POSITIVE_INFINITY, false]);
  burst.hear();
  burst.hear();
  expect(burst.nextDeadline()).toBeLessThan(0);
  expect([burst.isDue(5), burst.isDue(5)]).toEqual([true, false]);
  burst.hear();
  expect([burst.nextDeadline(), burst.isDue(4 + REST_MS)]).toEqual([5 + REST_MS, false]);
  expect([burst.isDue(5 + REST_MS), burst.isDue(1000)]).toEqual([true, false]);
});
