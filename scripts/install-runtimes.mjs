// Installs the runtimes that the tests run in: into .runtimes/ those of test/runtimes/package.json, exactly as its lock
// file says, into .runtimes/newest/ the newest release of each line of Node, as the registry has it today, and into
// .runtimes/arm64/ Node for that processor.
// No install script of any package runs: every runtime is a plain binary in a package of its own.
// Usage: install-runtimes.mjs  (npm run runtimes)
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Every Node package offers a command named "node", so links to commands would overwrite each other.
const OPTIONS = ["--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund"];

/** @returns npm's exit code */
function install(from, to, files, command) {
  mkdirSync(to, { recursive: true });
  for (const file of files) copyFileSync(from + file, to + file);
  return spawnSync("npm", [...command, ...OPTIONS], { cwd: to, stdio: "inherit" }).status ?? 1;
}

const from = fileURLToPath(new URL("../test/runtimes/", import.meta.url));
const to = fileURLToPath(new URL("../.runtimes/", import.meta.url));
// Not `npm ci`, which fetches again what is there already.
const pinned = install(from, to, ["package.json", "package-lock.json"], ["install"]);
// Not `npm install`, which keeps an older release that the range allows too.
const unlocked = ["update", "--no-save", "--no-package-lock"];
const newest = install(`${from}newest/`, `${to}newest/`, ["package.json"], unlocked);
// For qemu, which the other processor needs.
const foreign =
  process.arch === "x64"
    ? install(
        `${from}arm64/`,
        `${to}arm64/`,
        ["package.json", "package-lock.json"],
        ["install", "--cpu=arm64", "--os=linux"],
      )
    : 0;
if (newest !== 0)
  console.error("The newest releases of Node could not be fetched; the pinned ones are in another directory.");
process.exitCode = pinned || newest || foreign;
