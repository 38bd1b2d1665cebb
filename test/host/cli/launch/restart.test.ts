// A program that starts again without what was let into it, where Node cannot call the C library.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findRuntime } from "../../../support/runtimes.ts";

const ENTRY = fileURLToPath(new URL("support/restarts.ts", import.meta.url));

test("stays the process that it was: a signal for its group comes once", async (ctx) => {
  const { path, reason } = findRuntime("node24");
  if (path === undefined) return ctx.skip(reason);
  const child = spawn(path, ["--no-addons", ENTRY], { stdio: ["ignore", "pipe", "inherit"], timeout: 30_000 });
  expect(await text(child.stdout)).toBe(`${child.pid}\n${child.pid}\n`);
});
