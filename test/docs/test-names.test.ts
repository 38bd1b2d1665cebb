// Documents that say which test shows what: those tests exist. A name may be shortened by an ellipsis.
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const DOCUMENTS = ["docs/protocol.md", "docs/namespace-suite.md"];

/** The document's own abbreviations, as `device/` is test/host/engine/. */
function abbreviations(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/`([a-z0-9]+\/)`(?: is)? (test\/[a-z0-9/]+\/)/g)].map(([, short, long]) => [short!, long!]),
  );
}

/** `device/load.test.ts`, or in the namespace suite just `loopback`. */
function pathOf(name: string, short: ReadonlyMap<string, string>): string {
  if (!name.endsWith(".test.ts")) return `test/e2e/${name}.test.ts`;
  const directory = name.slice(0, name.indexOf("/") + 1);
  return (short.get(directory) ?? `test/${directory}`) + name.slice(directory.length);
}

/** Names of tests that the last column names and no file has, and files that do not exist. */
function missing(document: string): { checked: number; missing: string[] } {
  const text = readFileSync(new URL(document, ROOT), "utf8");
  const short = abbreviations(text);
  const lacking: string[] = [];
  let checked = 0;
  for (const row of text.split("\n").filter((line) => line.startsWith("| "))) {
    let source: string | undefined;
    for (const [, file, suite, name] of row.matchAll(/([a-z0-9]+\/[\w-]+\.test\.ts)|([a-z-]+)(?=: ")|"([^"]+)"/g)) {
      if (name === undefined) {
        const path = pathOf(file ?? suite!, short);
        source = existsSync(new URL(path, ROOT)) ? readFileSync(new URL(path, ROOT), "utf8") : undefined;
        if (source === undefined) lacking.push(path);
      } else if (source !== undefined) {
        const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*");
        if (!new RegExp(`["'\`].*${pattern}`).test(source)) lacking.push(name);
      }
      checked += 1;
    }
  }
  return { checked, missing: lacking };
}

test.each(DOCUMENTS)("%s names tests that exist", (document) => {
  const result = missing(document);
  expect(result.missing).toEqual([]);
  expect(result.checked).toBeGreaterThan(40);
});
