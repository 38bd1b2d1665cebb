/**
 * Finds the runtimes that tests start child processes in: those of `npm run runtimes`, or any that an
 * environment variable names, e.g. WASMGUARD_NODE22=/opt/node22/bin/node.
 */
import { accessSync, constants } from "node:fs";
import { fileURLToPath } from "node:url";

export const RUNTIMES = ["node20", "node22", "node24", "node26", "deno", "bun"] as const;

/** The newest release of each line of Node, for what a release may break that is younger than our pins. */
export const NEWEST_NODES = ["node20-newest", "node22-newest", "node24-newest", "node26-newest"] as const;
/** "bun-musl": Bun for another C library, beside this machine's own. */
export type RuntimeName = (typeof RUNTIMES)[number] | (typeof NEWEST_NODES)[number] | "bun-musl";

export type FoundRuntime = { path: string; reason?: undefined } | { path?: undefined; reason: string };

/** @returns the path of its executable, or the reason why a test must be skipped */
export function findRuntime(name: RuntimeName): FoundRuntime {
  const variable = `WASMGUARD_${name.toUpperCase().replace("-", "_")}`;
  const given = process.env[variable];
  for (const path of given === undefined ? installed(name) : [given]) {
    if (isExecutable(path)) return { path };
  }
  const how = name === "bun-musl" ? "scripts/install-musl.sh" : "`npm run runtimes`";
  return { reason: `${name} is not installed: run ${how}, or set ${variable}` };
}

/** Arguments that let a runtime run a TypeScript file with full rights and no warnings of its own. */
export function runArguments(name: RuntimeName, script: string): string[] {
  if (name === "deno") return ["run", "--quiet", "--no-lock", "--allow-all", script];
  if (name === "bun" || name === "bun-musl" || name.startsWith("node26")) return [script];
  return ["--disable-warning=ExperimentalWarning", "--experimental-strip-types", script];
}

function installed(name: RuntimeName): string[] {
  const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const modules = (path: string) => at(`.runtimes/node_modules/${path}`);
  const { arch } = process;
  switch (name) {
    case "deno":
      return [modules(`@deno/linux-${arch}-glibc/deno`)];
    case "bun": {
      const cpu = arch === "arm64" ? "aarch64" : arch;
      return [modules(`@oven/bun-linux-${cpu}/bin/bun`), modules(`@oven/bun-linux-${cpu}-musl/bin/bun`)];
    }
    case "bun-musl":
      return [at(".runtimes/musl/node_modules/@oven/bun-linux-x64-musl/bin/bun")];
    case "node26":
      return [at("node_modules/.bin/node"), modules(`node26-${arch}/bin/node`)];
    case "node20-newest":
    case "node22-newest":
    case "node24-newest":
    case "node26-newest": {
      const [line] = name.split("-");
      return [at(`.runtimes/newest/node_modules/${line}-${arch}/bin/node`)];
    }
    default:
      return [modules(`${name}-${arch}/bin/node`)];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
