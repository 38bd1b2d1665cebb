// A daemon in the background where there is no sandbox: what whoever starts it hears of it.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ENTRY = fileURLToPath(new URL("support/besides.ts", import.meta.url));

test.each([
  ["starts", "warned: it rains\nstarted\n"],
  ["complains", "warned: it rains\nfailed: not allowed to do so. Ask nicely\n"],
  ["is killed", "failed: the daemon for utun9 ended (SIGKILL) before it was ready. Look closer with"],
  ["says nothing", "failed: the daemon for utun9 ended (exit code 3) before it was ready. Look closer with"],
])("one that %s", (what, expected) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout, status } = spawnSync(process.execPath, [ENTRY, what], {
    encoding: "utf8",
    env: { ...env, SOMETHING_ELSE: "1" },
    timeout: 30_000,
  });
  expect(stdout.slice(0, expected.length)).toBe(expected);
  expect(status).toBe(0);
});

test("one that is to take over a descriptor finds it where it was", () => {
  const opened = 'exec 7<<EOF\nseven\nEOF\nexec "$@"';
  const { stdout } = spawnSync("sh", ["-c", opened, "sh", process.execPath, ENTRY, "inherits", "7"], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(stdout).toBe("warned: seven\nstarted\n");
});
