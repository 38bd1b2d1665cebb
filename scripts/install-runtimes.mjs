// Installs the runtimes of test/runtimes/package.json into .runtimes/, exactly as its lock file says.
// No install script of any package runs: every runtime is a plain binary in a package of its own.
// Usage: install-runtimes.mjs  (npm run runtimes)
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../test/runtimes/", import.meta.url));
const to = fileURLToPath(new URL("../.runtimes/", import.meta.url));
mkdirSync(to, { recursive: true });
for (const file of ["package.json", "package-lock.json"]) copyFileSync(from + file, to + file);
// Every Node package offers a command named "node", so links to commands would overwrite each other.
const options = ["--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund"];
// Not `npm ci`: npm leaves packages for the other libc or machine out of the lock file, and ci then refuses it.
const { status } = spawnSync("npm", ["install", ...options], { cwd: to, stdio: "inherit" });
process.exit(status ?? 1);
