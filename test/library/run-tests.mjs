// Runs compiled tests without vitest: run-tests.mjs FILE...
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { beginFile, runTests } from "vitest";

for (const file of process.argv.slice(2)) {
  beginFile();
  await import(pathToFileURL(resolve(file)).href);
}
process.exit((await runTests()) === 0 ? 0 : 1);
