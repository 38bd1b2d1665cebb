// Takes the declarations out of dist/ that no entry of the package leads to: those of the command's and the daemon's own modules.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const IMPORTED = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g;

/** @returns the paths of the declarations that package.json names */
function entries(exported) {
  if (typeof exported === "string") return exported.endsWith(".d.ts") ? [normalize(exported)] : [];
  return Object.values(exported).flatMap(entries);
}

const reached = new Set(entries(JSON.parse(readFileSync("package.json", "utf8")).exports));
// A set is walked to its end, also what is added meanwhile.
for (const file of reached) {
  for (const [, target] of readFileSync(file, "utf8").matchAll(IMPORTED)) {
    const path = join(dirname(file), target.replace(/\.[jt]s$/, ".d.ts"));
    if (!existsSync(path)) throw new Error(`${file} leads to ${target}, which has no declaration`);
    reached.add(path);
  }
}

for (const name of readdirSync("dist", { recursive: true })) {
  const file = join("dist", name);
  if (file.endsWith(".d.ts") && !reached.has(file)) rmSync(file);
}
