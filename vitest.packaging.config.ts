import { defineConfig } from "vitest/config";

/** The package as it would be published, in compilers, bundlers and runtimes of others. */
export default defineConfig({
  test: {
    include: ["test/packaging/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 10_000 } },
    fileParallelism: false,
  },
});
