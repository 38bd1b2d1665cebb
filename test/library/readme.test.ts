/** The README shows the very program that the tests run. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the library example of the README is test/library/example.mjs", () => {
  const shown = [...read("README.md").matchAll(/```js\n([\s\S]*?)```/g)].map(([, program]) => program);
  expect(shown).toContain(read("test/library/example.mjs"));
});
