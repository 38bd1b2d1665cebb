import { expect, it } from "vitest";
import { networkWay } from "../../../host/proxy/network-way.ts";
import { networks } from "../../support/networks.ts";

it("closes a socket that cannot have its port", async () => {
  const { near } = await networks();
  let open = 0;
  const create = near.createSocket.bind(near);
  near.createSocket = (...asked) => {
    open += 1;
    return create(...asked).once("close", () => {
      open -= 1;
    });
  };
  const way = networkWay(near);
  await way.bind(5353, () => {});
  await expect(way.bind(5353, () => {})).rejects.toMatchObject({ code: "EADDRINUSE" });
  await expect.poll(() => open).toBe(1);
});
