/** The fast driver's outside whose socket is full, which loopback's never is: on stand-ins for the socket. */
import { expect, it } from "vitest";
import { DirectOutside } from "../../../host/direct/direct-outside.ts";
import { EAGAIN } from "../../../host/ffi/errno.ts";

type Arguments = ConstructorParameters<typeof DirectOutside>;

function make(): { outside: DirectOutside; told: string[]; close(): void } {
  const told: string[] = [];
  let open = true;
  const events: ReturnType<Arguments[3]> = {
    receive() {},
    lost() {},
    failed() {},
    full: () => told.push("full"),
    drained: () => told.push("drained"),
  };
  const sender = { errors: Int32Array.of(0, EAGAIN) } as unknown as Arguments[1];
  const udp = { send: () => 1 } as unknown as Arguments[2];
  const outside = new DirectOutside({} as Arguments[0], sender, udp, () => (open ? events : undefined));
  return {
    outside,
    told,
    close: () => {
      open = false;
    },
  };
}

it("tells that it is full when the packet on its way is through, once, and that it has room soon after", async () => {
  const { outside, told } = make();
  outside.send(2);
  expect([outside.hasRoom, ...told]).toEqual([false]);
  outside.send(2);
  await Promise.resolve();
  expect(told).toEqual(["full"]);
  await expect.poll(() => told).toEqual(["full", "drained"]);
  expect(outside.hasRoom).toBe(true);
});

it("tells nobody any more once it is closed", async () => {
  const { outside, told, close } = make();
  outside.send(2);
  close();
  await expect.poll(() => outside.hasRoom).toBe(true);
  expect(told).toEqual([]);
});
