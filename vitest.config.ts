import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**", "test/packaging/**"],
    testTimeout: 30_000,
    // Some tests talk to real processes, on machines that others share. What fails twice is broken.
    retry: 1,
  },
});
