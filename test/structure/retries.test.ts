// A test that is tried twice hides a fault, in itself or in what it tests.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

it("no suite and no test is tried again when it fails", () => {
  const configurations = readdirSync(ROOT).filter((name) => /^vitest.*\.config\.ts$/.test(name));
  expect(configurations.length).toBeGreaterThan(2);
  const tests = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.includes("node_modules"))
    .map((name) => join("test", name));
  const trying = [...configurations, ...tests].filter((name) =>
    /\bretry: [1-9]/.test(readFileSync(join(ROOT, name), "utf8")),
  );
  expect(trying).toEqual([]);
});
