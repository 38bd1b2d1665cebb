import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { outdated } from "./built.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "wasmguard-built-"));
  mkdirSync(join(root, "host/core/generated"), { recursive: true });
  mkdirSync(join(root, "dist/host"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it("what was compiled of another text, or not at all, is outdated; what has no map is not looked at", () => {
  for (const name of ["same", "changed", "missing", "core/generated/simd"]) {
    writeFileSync(join(root, "host", `${name}.ts`), "now");
  }
  for (const [name, text] of Object.entries({ same: "now", changed: "before", removed: "before" })) {
    writeFileSync(join(root, "dist/host", `${name}.js.map`), JSON.stringify({ sourcesContent: [text] }));
  }
  expect(outdated(root).sort()).toEqual(["changed.ts", "missing.ts"]);
});
