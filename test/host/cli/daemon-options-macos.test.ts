/** What the daemon's environment means on macOS, whatever system this is. */
import { expect, it, vi } from "vitest";
import { startRequest } from "../../../host/cli/daemon-options.ts";

vi.mock("../../../host/platform.ts", async (original) => ({
  ...(await original<typeof import("../../../host/platform.ts")>()),
  systemNamesDevices: () => true,
}));

it("WG_TUN_NAME_FILE is a whole path: a daemon in the background works elsewhere", () => {
  const start = (path: string) => startRequest(["utun"], {}, { WG_TUN_NAME_FILE: path });
  expect(start("/var/run/wireguard/wg0.name").nameFile).toBe("/var/run/wireguard/wg0.name");
  expect(start("").nameFile).toBeUndefined();
  expect(() => start("wg0.name")).toThrow('WG_TUN_NAME_FILE is not a whole path: "wg0.name"');
});
