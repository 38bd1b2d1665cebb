/**
 * End-to-end tests: real daemons, TUN devices and namespaces. One file after the other, because they share two cores
 * and the interface names of one machine. Start them with test/e2e/sandbox.sh (`npm run test:e2e`).
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    fileParallelism: false,
    sequence: { concurrent: false },
    testTimeout: 60_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
    reporters: process.env.CI ? ["verbose"] : ["default"],
  },
});
