/** The files that this program is, as a service would run it: what starts it, and all of the package. */
import { existsSync, readdirSync } from "node:fs";
import { win32 as windowsPath } from "node:path";
import { errorCode } from "../../../error-code.ts";

/** What of the package is loaded or decides what is; the rest is text. */
const PARTS = ["bin", "dist", "package.json"] as const;

/** With the folders among them. A script that is a link has other neighbours than the package's: it is for the caller to refuse one. */
export function programFiles(): string[] {
  const script = process.argv[1];
  if (script === undefined) return [process.execPath];
  const folder = windowsPath.join(windowsPath.dirname(script), "..");
  const parts = PARTS.map((part) => windowsPath.join(folder, part)).filter(existsSync);
  return [process.execPath, script, ...parts.flatMap(below)];
}

function below(path: string): string[] {
  try {
    const names = readdirSync(path, { recursive: true, encoding: "utf8" });
    return [path, ...names.map((name) => windowsPath.join(path, name))];
  } catch (error) {
    if (errorCode(error) === "ENOTDIR") return [path];
    throw error;
  }
}
