#!/usr/bin/env node
// The installed command. A checkout that has not been built yet runs from its sources, where the runtime can.
const COMPILED = "../dist/host/cli/main.js";
const SOURCES = "../host/cli/main.ts";

async function load() {
  try {
    return await import(COMPILED);
  } catch (error) {
    // Deno and Bun word a missing module differently; the file itself is the same evidence everywhere.
    const { existsSync } = await import("node:fs");
    if (existsSync(new URL(COMPILED, import.meta.url))) throw error;
    if (!existsSync(new URL(SOURCES, import.meta.url))) throw error;
    return await import(SOURCES).catch((cause) => {
      // Node before 22.18 does not run TypeScript.
      if (cause?.code !== "ERR_UNKNOWN_FILE_EXTENSION") throw cause;
      process.stderr.write("wasmguard: this checkout is not built yet. Run: npm run build\n");
      process.exit(1);
    });
  }
}

// In Node the signal opens a debugger, for every user of the machine; whoever handles it himself is spared that.
if (process.versions.bun === undefined && !("Deno" in globalThis)) process.on("SIGUSR1", () => {});

const { enter } = await load();
process.exitCode = await enter(process.argv.slice(2));
