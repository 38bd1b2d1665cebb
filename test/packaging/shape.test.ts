/** What is in the package: entries that every resolver finds, links that lead somewhere, no more bytes than need be. */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeProject, type Project, run, tool } from "./support.ts";

/** Bytes. Whoever needs more changes it here, and says why. (Daemon and proxy have the core once more each, in files of their own that halve
 * the time of their start, so its second kernels, X25519 on five limbs and 256-bit vectors, count three times; wasmguard/crypto is there as each
 * condition wants it. The drivers of macOS and Windows take 90,000: who installs there needs them, and npm has one package for all.) */
const BUDGETS = { tarball: 2_250_000, declarations: 180_000 } as const;

let project: Project;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => project.remove());

describe("the package", () => {
  it("is as publint wants it", () => {
    expect(run(tool("publint"), ["run", project.tarball, "--strict"], project.directory).output).toContain("All good!");
  });

  it("is compiled anew for whoever packs it", () => {
    const { scripts } = JSON.parse(
      readFileSync(join(project.directory, "node_modules/wasmguard/package.json"), "utf8"),
    );
    expect(scripts.prepack).toBe("npm run build");
  });

  it("has types that are found from ES modules and by bundlers, and are those of the code", () => {
    run(tool("attw"), [project.tarball, "--profile", "esm-only", "--no-emoji"], project.directory);
  });

  it("has no link that leads out of it or nowhere", () => {
    const packed = new Set(project.files);
    const dead: string[] = [];
    for (const file of project.files.filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md")) {
      const text = readFileSync(join(project.directory, "node_modules/wasmguard", file), "utf8");
      for (const [, target] of text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)) {
        const path = normalize(join(dirname(file), target!));
        const known = packed.has(path) || project.files.some((name) => name.startsWith(`${path}/`));
        // npm shows the README with links that lead to the repository.
        if (!known && file !== "README.md") dead.push(`${file}: ${target}`);
      }
    }
    expect(dead).toEqual([]);
  });

  it("keeps its size", () => {
    const declarations = project.files
      .filter((name) => name.endsWith(".d.ts"))
      .map((name) => statSync(join(project.directory, "node_modules/wasmguard", name)).size);
    expect(statSync(project.tarball).size).toBeLessThan(BUDGETS.tarball);
    expect(Math.max(...declarations)).toBeLessThan(40_000);
    expect(declarations.reduce((sum, size) => sum + size, 0)).toBeLessThan(BUDGETS.declarations);
  });

  it("has a source map with its source for every module but those that are base64", () => {
    // Files of the page are shipped as they were written.
    const compiled = (name: string) => !name.includes("/generated/") && !name.includes("/web/assets/");
    const modules = project.files.filter((name) => /^dist\/host\/.*\.js$/.test(name) && compiled(name));
    expect(modules.length).toBeGreaterThan(100);
    for (const name of modules) {
      const map = readFileSync(join(project.directory, "node_modules/wasmguard", `${name}.map`), "utf8");
      expect(JSON.parse(map).sourcesContent, name).toHaveLength(1);
    }
    expect(project.files.filter((name) => name.includes("/generated/") && name.endsWith(".map"))).toEqual([]);
  });
});
