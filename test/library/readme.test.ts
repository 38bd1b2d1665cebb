/** The README shows the very program that the tests run. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the library example of the README is test/library/example.mjs", () => {
  const shown = /```js\n([\s\S]*?)```/.exec(read("README.md"))?.[1];
  expect(shown).toBe(read("test/library/example.mjs"));
});
