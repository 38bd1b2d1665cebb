import { expect, it } from "vitest";
import { Uses } from "../../../host/sockets/http/uses.ts";

const IDLE_MS = 10;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it("tells that nobody uses it, when the last one has ended", async () => {
  let idle = 0;
  const uses = new Uses(IDLE_MS, () => idle++);
  uses.begin();
  await pause(5 * IDLE_MS);
  expect(idle).toBe(0);
  uses.end();
  await expect.poll(() => idle, { timeout: 10_000 }).toBe(1);
});

it("tells nothing of what is kept no more, though uses of it end later", async () => {
  let idle = 0;
  const uses = new Uses(IDLE_MS, () => idle++);
  uses.begin();
  uses.stop();
  uses.end();
  await pause(5 * IDLE_MS);
  expect(idle).toBe(0);
});
