import { defineConfig } from "vitest/config";

/** Clients of databases and other services that people use, through a Network, against real servers. */
export default defineConfig({
  test: {
    include: ["test/drivers/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
    fileParallelism: false,
  },
});
