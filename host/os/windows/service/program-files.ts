/** The files that this program is, as a service would run it: what starts it, and all of the package. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { win32 as windowsPath } from "node:path";

/** What of the package is loaded or decides what is; the rest is text. */
const PARTS = ["bin", "dist", "package.json"] as const;

/** With the folders among them. */
export function programFiles(): string[] {
  const script = process.argv[1];
  const folder = script === undefined ? undefined : windowsPath.join(windowsPath.dirname(realpathSync(script)), "..");
  const parts = folder === undefined ? [] : PARTS.map((part) => windowsPath.join(folder, part)).filter(existsSync);
  const names = script === undefined ? [] : [script];
  return [...withLinks([process.execPath, ...names]), ...parts.flatMap(below)];
}

/** Where a path leads by links, it and that. */
export function withLinks(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => [path, realpathSync(path)]))];
}

function below(path: string): string[] {
  try {
    const names = readdirSync(path, { recursive: true, encoding: "utf8" });
    return [path, ...names.map((name) => windowsPath.join(path, name))];
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return [path];
    throw error;
  }
}
