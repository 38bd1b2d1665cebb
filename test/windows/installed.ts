/** The package in a project of drive C:, as users have it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** @returns the project's folder, which the caller removes */
export function projectWithPackage(): string {
  const project = mkdtempSync(join(tmpdir(), "wasmguard-project-"));
  const installed = join(project, "node_modules/wasmguard");
  mkdirSync(installed, { recursive: true });
  for (const part of ["package.json", "bin", "dist"]) {
    cpSync(join(ROOT, part), join(installed, part), { recursive: true });
  }
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const dependencies = Object.keys(packages[""].dependencies);
  for (const name of dependencies) {
    dependencies.push(...Object.keys(packages[`node_modules/${name}`].dependencies ?? {}));
    cpSync(join(ROOT, "node_modules", name), join(project, "node_modules", name), { recursive: true });
  }
  const manifest = { private: true, type: "module", dependencies: { wasmguard: "*" } };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  return project;
}
