/** Order and failures of what `up` and `down` do on Windows, with an interface in memory. */
import { beforeEach, expect, it, vi } from "vitest";
import type { ConfigFile } from "../../../../host/cli/quick/file.ts";
import { WindowsQuick } from "../../../../host/cli/quick/windows/system.ts";
import type { ShownDevice } from "../../../../host/cli/show/shown-device.ts";

const { steps } = vi.hoisted(() => ({ steps: [] as string[] }));
beforeEach(() => void steps.splice(0));

vi.mock("../../../../host/ffi/windows/win32.ts", () => ({ openWin32: async () => ({}) }));
vi.mock("../../../../host/os/windows/interface-settings.ts", () => ({
  findInterface: () => ({
    addRoute: ({ prefix }: { prefix: number }) => steps.push(`route /${prefix}`),
    comeFirst: (family: number) => steps.push(`IPv${family} first`),
  }),
}));
vi.mock("../../../../host/cli/show/shown-device.ts", () => ({
  fetchDevice: async () => steps.push("daemon answers"),
  wipeDevice: () => steps.push("keys wiped"),
}));
vi.mock("../../../../host/uapi/client.ts", () => ({
  isTunnelUp: async () => true,
  requestStop: async () => steps.push("asked to end"),
}));
vi.mock("../../../../host/cli/quick/wait-until.ts", () => ({ waitUntil: async () => undefined }));
vi.mock("../../../../host/cli/print.ts", { spy: true });

const tunnel = { config: { name: "wg0" } as ConfigFile, interfaceName: "wg0" };

it.each([
  ["0.0.0.0/0", ["route /0", "daemon answers", "keys wiped", "IPv4 first"]],
  ["::/0", ["route /0", "daemon answers", "keys wiped", "IPv6 first"]],
  ["8000::/1", ["route /1", "daemon answers", "keys wiped"]],
  ["10.0.0.0/8", ["route /8"]],
])("the daemon sees a route to %s before it takes all", async (prefix, expected) => {
  const quick = await WindowsQuick.open({});
  await quick.addRoute(tunnel, {} as ShownDevice, prefix);
  expect(steps).toEqual(expected);
});

it("an interface that stays is an error", async () => {
  const quick = await WindowsQuick.open({});
  await expect(quick.remove(tunnel)).rejects.toThrow("wg0 is still there, though its daemon was asked to end");
  expect(steps).toEqual(["asked to end"]);
});
