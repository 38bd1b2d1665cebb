/** `down` where the interface stays, with a system in memory. */
import { afterEach, expect, it, vi } from "vitest";
import { CliError } from "../../../../host/cli/command-errors.ts";
import { takeDown } from "../../../../host/cli/quick/down.ts";
import type { ConfigFile } from "../../../../host/cli/quick/file.ts";
import type { QuickSystem } from "../../../../host/cli/quick/system.ts";

vi.mock("../../../../host/uapi/client.ts", () => ({ isTunnelUp: async () => true }));

afterEach(() => vi.restoreAllMocks());

it("fails, runs no PostDown, and puts back what was undone", async () => {
  const steps: string[] = [];
  const step = (name: string) => async () => void steps.push(name);
  const system = {
    find: async () => "wg0",
    undo: step("undo"),
    setDns: step("setDns"),
    remove: async () => {
      steps.push("remove");
      throw new CliError("wg0 is still there", "End its process");
    },
    runHook: step("hook"),
  } as unknown as QuickSystem;
  const hooks = { PreDown: [], PostDown: ["true"] };
  const config = { name: "wg0", system: { hooks, saveConfig: false } } as unknown as ConfigFile;
  await expect(takeDown(system, config)).rejects.toThrow("wg0 is still there");
  expect(steps).toEqual(["undo", "remove", "setDns"]);
});
