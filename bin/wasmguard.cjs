#!/usr/bin/env node
// The installed command: the bundle of the process that starts a daemon, or of the daemon (scripts/bundle-command.mjs). A checkout
// that has not been built yet runs from its sources, where the runtime can. CommonJS, as the bundles are; its name says so also to
// a Deno that was told to read no package.json.
"use strict";

// In Node the signal opens a debugger, for every user of the machine; whoever handles it himself is spared that.
if (process.versions.bun === undefined && !("Deno" in globalThis)) process.on("SIGUSR1", () => {});

const SOURCES = "../host/cli/main.ts";

function load() {
  const compiled = `../dist/command/${process.env.WASMGUARD_DAEMON === undefined ? "launch" : "daemon"}.cjs`;
  try {
    return require(compiled);
  } catch (error) {
    // Runtimes word a missing module differently; the file itself is the same evidence everywhere.
    const { existsSync } = require("node:fs");
    const { join } = require("node:path");
    if (existsSync(join(__dirname, compiled)) || !existsSync(join(__dirname, SOURCES))) throw error;
    return import(SOURCES).catch((cause) => {
      // Node before 22.18 does not run TypeScript.
      if (cause?.code !== "ERR_UNKNOWN_FILE_EXTENSION") throw cause;
      process.stderr.write("wasmguard: this checkout is not built yet. Run: npm run build\n");
      process.exit(1);
    });
  }
}

async function run() {
  const { enter } = await load();
  process.exitCode = await enter(process.argv.slice(2));
}

run();
