/** Signals in the middle of `up`, as each system has them. */
import { afterEach, expect, it, vi } from "vitest";
import { checkInterruption, deferSignals } from "../../../../host/cli/quick/shell.ts";

afterEach(() => vi.restoreAllMocks());

it.each([
  { system: "win32", signals: ["SIGINT", "SIGBREAK", "SIGHUP"] },
  { system: "linux", signals: ["SIGINT", "SIGTERM", "SIGHUP"] },
] as const)("$system: $signals interrupt the step in hand", ({ system, signals }) => {
  vi.spyOn(process, "platform", "get").mockReturnValue(system);
  for (const signal of signals) {
    const before = process.listeners(signal);
    const on = vi.spyOn(process, "on").mockReturnThis();
    const end = deferSignals();
    try {
      const [, note] = on.mock.calls.find(([name]) => name === signal) ?? [];
      expect(checkInterruption).not.toThrow();
      note?.(signal);
      expect(checkInterruption).toThrow(`interrupted by ${signal}`);
    } finally {
      end();
      on.mockRestore();
    }
    expect(process.listeners(signal)).toEqual(before);
  }
});
