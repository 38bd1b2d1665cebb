// The runtimes a benchmark can run in, and the command for each: the project's own Node, and those that
// `npm run runtimes` puts into .runtimes/.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const RUNTIMES = ["node26", "node24", "node22", "node20", "bun", "deno"] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

const installed = fileURLToPath(new URL("../.runtimes/node_modules/", import.meta.url));
const isArm = process.arch === "arm64";

function commandOf(name: RuntimeName): string[] {
  if (name === "node26") return [fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url))];
  if (name === "bun") return [`${installed}@oven/bun-linux-${isArm ? "aarch64" : "x64"}/bin/bun`];
  if (name === "deno") {
    return [`${installed}@deno/linux-${isArm ? "arm64" : "x64"}-glibc/deno`, "run", "--allow-all", "--no-config"];
  }
  return [`${installed}${name}-${isArm ? "arm64" : "x64"}/bin/node`];
}

/** Command and first arguments. @throws Error when the runtime is not installed */
export function runtimeCommand(name: RuntimeName): string[] {
  const command = commandOf(name);
  if (!existsSync(command[0]!)) throw new Error(`${name} is not installed here: npm run runtimes`);
  return command;
}
