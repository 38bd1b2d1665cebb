// Which programs `up` runs as root: PATH may be the user's, and its first folders open to that user's programs.
import { afterEach, expect, test, vi } from "vitest";
import { quickSystem } from "../../../../../host/cli/quick/systems.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("those of macOS come before others of the same name", async () => {
  vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
  vi.spyOn(process, "arch", "get").mockReturnValue("arm64");
  vi.stubEnv("PATH", "/opt/homebrew/bin");
  await quickSystem("up", {});
  expect(process.env.PATH).toBe("/usr/bin:/bin:/usr/sbin:/sbin:/opt/homebrew/bin");
});
