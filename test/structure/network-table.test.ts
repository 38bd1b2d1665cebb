// The tables of docs/network-stack.md: what they say is done is shown by tests that exist.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = ["test/net", "test/net/scripts", "test/host/net"];

interface Row {
  readonly standard: string;
  readonly done: string;
  readonly leftOut: string;
  readonly shownBy: readonly string[];
}

const rows: Row[] = readFileSync(join(ROOT, "docs/network-stack.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| RFC |"))
  .map((line) => {
    const [standard, done, leftOut, shownBy] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { standard: standard!, done: done!, leftOut: leftOut!, shownBy: shownBy!.split(", ").filter(Boolean) };
  });

it("what is done is shown by a test, and what is not says why", () => {
  expect(rows.length).toBeGreaterThan(35);
  const silent = rows.filter(({ done, leftOut, shownBy }) => (done === "" ? leftOut === "" : shownBy.length === 0));
  expect(silent.map(({ standard }) => standard)).toEqual([]);
});

it("the tests that are named exist", () => {
  const missing = rows.flatMap(({ standard, shownBy }) =>
    shownBy
      .filter((name) => !FOLDERS.some((folder) => existsSync(join(ROOT, folder, name))))
      .map((name) => `${standard}: ${name}`),
  );
  expect(missing).toEqual([]);
});

it("every file of scripts is played, and shows something of the tables", () => {
  const players = ["test/net/tcp-scripts.test.ts", "test/net/datagram-scripts.test.ts"].map((path) =>
    readFileSync(join(ROOT, path), "utf8"),
  );
  const played = players.flatMap((text) =>
    [...text.matchAll(/describeTopic\("([\w-]+)"\)/g)].map(([, topic]) => topic!),
  );
  const named = new Set(rows.flatMap(({ shownBy }) => shownBy));
  expect(played.length).toBeGreaterThan(10);
  expect(played.filter((topic) => !named.has(`${topic}.script`))).toEqual([]);
  expect([...named].filter((name) => name.endsWith(".script") && !played.includes(name.slice(0, -7)))).toEqual([]);
});
