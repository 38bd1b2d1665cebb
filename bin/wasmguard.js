#!/usr/bin/env node
// The installed command: the bundle of the process that starts a daemon, or of the daemon (scripts/bundle-command.mjs). A checkout
// that has not been built yet runs from its sources, where the runtime can. CommonJS, as the bundles are (package.json beside it);
// a Deno that was told to read no package.json takes it for a module, which has no `require`.
"use strict";

// In Node the signal opens a debugger, for every user of the machine; whoever handles it himself is spared that.
if (process.versions.bun === undefined && !("Deno" in globalThis)) process.on("SIGUSR1", () => {});

const SOURCES = "../host/cli/main.ts";
const NODE_MIN = 20;

function refuse(line) {
  process.stderr.write(`wasmguard: ${line}\n`);
  process.exit(1);
}

function makeRequire() {
  const builtin = process.getBuiltinModule;
  return builtin("node:module").createRequire(builtin("node:fs").realpathSync(process.argv[1]));
}

function load() {
  const { WASMGUARD_DAEMON: daemon, WASMGUARD_PROXY: proxy } = process.env;
  const isProxy = proxy !== undefined && process.argv[2] === "proxy";
  const compiled = `../dist/command/${daemon !== undefined ? "daemon" : isProxy ? "proxy" : "launch"}.cjs`;
  const requireModule = typeof require === "function" ? require : makeRequire();
  try {
    return requireModule(compiled);
  } catch (error) {
    // Runtimes word a missing module differently; the file itself is the same evidence everywhere.
    const { existsSync, realpathSync } = requireModule("node:fs");
    const { dirname, join } = requireModule("node:path");
    const here = dirname(realpathSync(process.argv[1]));
    if (existsSync(join(here, compiled)) || !existsSync(join(here, SOURCES))) throw error;
    return import(SOURCES).catch((cause) => {
      // Node before 22.18 does not run TypeScript.
      if (cause?.code !== "ERR_UNKNOWN_FILE_EXTENSION") throw cause;
      refuse("this checkout is not built yet. Run: npm run build");
    });
  }
}

async function run() {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) < NODE_MIN)
    refuse(`Node ${node} is too old. Use Node ${NODE_MIN} or newer, Deno or Bun`);
  const { enter } = await load();
  process.exitCode = await enter(process.argv.slice(2));
}

// Only what keeps the program from being loaded comes here, as the permissions of a runtime: those say by themselves what to allow.
run().catch(({ message, stack, code }) => {
  const forbidden = code === "ERR_ACCESS_DENIED" || "Deno" in globalThis;
  refuse(forbidden ? `not allowed to start: ${message.split("\n")[0]}` : stack);
});
