/** No key is told at a socket that somebody else may have put there. Some of it wants root. */
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { requestUapi } from "../../../host/uapi/client.ts";
import { strangerAt } from "../../../host/uapi/whose-socket.ts";

const STRANGER = 12_345;
const set = new TextEncoder().encode("set=1\n\n");
const get = new TextEncoder().encode("get=1\n\n");

/** Somebody who answers at wg9's socket, and what he was told. */
async function listener() {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-socket-"));
  const path = join(folder, "wg9.sock");
  const told: string[] = [];
  const server = createServer((socket) => {
    socket.on("data", (bytes) => {
      told.push(`${bytes}`);
      socket.end("errno=0\n\n");
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  vi.stubEnv("WASMGUARD_SOCKET_DIR", folder);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await new Promise((closed) => server.close(closed));
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, path, told };
}

it("tells keys at a socket of this user's", async () => {
  const { told, path } = await listener();
  expect(strangerAt(path)).toBeUndefined();
  expect(`${Buffer.from(await requestUapi("wg9", set))}`).toBe("errno=0\n\n");
  expect(told).toEqual(["set=1\n\n"]);
});

it("tells none where others may put theirs, and asks all the same", async () => {
  const { told, folder } = await listener();
  chmodSync(folder, 0o777);
  await expect(requestUapi("wg9", set)).rejects.toThrow(/others may put a socket/);
  expect(told).toEqual([]);
  await requestUapi("wg9", get);
  expect(told).toEqual(["get=1\n\n"]);
  // What is there stays its owner's.
  chmodSync(folder, 0o1777);
  await requestUapi("wg9", set);
  expect(told).toHaveLength(2);
});

it.runIf(process.getuid?.() === 0)("tells none at another user's, though root", async () => {
  const { told, path } = await listener();
  chownSync(path, STRANGER, STRANGER);
  await expect(requestUapi("wg9", set)).rejects.toThrow(`is user ${STRANGER}'s`);
  expect(told).toEqual([]);
});
