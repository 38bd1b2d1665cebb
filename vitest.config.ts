import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**", "test/packaging/**", "test/drivers/**", "test/windows/**"],
    // For a machine that others share: nothing here is to take nearly as long, and what hangs is told in the end.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
