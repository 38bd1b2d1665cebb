import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { relay } from "../../../host/proxy/relay.ts";

it("ends with a stream that was closed before, and cuts the other", async () => {
  const [near, far] = [new PassThrough(), new PassThrough()];
  const closed = new Promise((resolve) => near.once("close", resolve));
  near.destroy();
  await closed;
  const { sent, received, error } = await relay(near, far);
  expect([sent, received]).toEqual([0, 0]);
  expect(error).toMatchObject({ message: "the connection was cut" });
  expect(far.destroyed).toBe(true);
});
