/** The version line, from the package's own manifest: beside host/ in a checkout, beside dist/ when installed. */
import { existsSync, readFileSync } from "node:fs";

const MANIFESTS = ["../../package.json", "../../../package.json"];

/** Undefined where the manifest cannot be found. */
export function packageVersion(): string | undefined {
  for (const path of MANIFESTS) {
    const url = new URL(path, import.meta.url);
    if (!existsSync(url)) continue;
    const manifest: unknown = JSON.parse(readFileSync(url, "utf8"));
    if (typeof manifest !== "object" || manifest === null || !("name" in manifest) || !("version" in manifest))
      continue;
    if (manifest.name === "wasmguard") return String(manifest.version);
  }
  return undefined;
}

export function versionLine(): string {
  return `wasmguard ${packageVersion() ?? "(unknown version)"}`;
}
