// The file by which one of several processes undoes what `up` changed: one has it at a time.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NetworkRecord } from "../../../../../host/cli/quick/macos/record.ts";

const CHANGES = { interfaceName: "utun3", mtu: "given", families: [], endpoints: {}, services: {} } as const;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-record-"));
  process.env.WASMGUARD_SOCKET_DIR = join(folder, "sockets");
});
afterEach(() => {
  delete process.env.WASMGUARD_SOCKET_DIR;
  rmSync(folder, { recursive: true });
});

function create(): NetworkRecord {
  return NetworkRecord.create("wg0", { ...CHANGES, families: [], endpoints: {}, services: {} });
}

test("where there is none, nobody waits for it", async () => {
  expect(await NetworkRecord.take("wg0")).toBeUndefined();
  create().close();
  expect(await NetworkRecord.take("wg0")).toBeUndefined();
  expect(readdirSync(join(folder, "sockets"))).toEqual([]);
});

test("only root may read it, and what was saved is told", async () => {
  const record = create();
  record.changes.endpoints["192.0.2.1"] = "10.0.0.1";
  record.release();
  expect(statSync(join(folder, "sockets/wg0.network")).mode & 0o777).toBe(0o600);
  expect((await NetworkRecord.take("wg0"))!.changes).toEqual({ ...CHANGES, endpoints: { "192.0.2.1": "10.0.0.1" } });
});

test("of many who want it one has it, until it is released", async () => {
  create().release();
  let holders = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    const record = await NetworkRecord.take("wg0");
    most = Math.max(most, ++holders);
    await new Promise((resolve) => setTimeout(resolve, 1));
    record!.changes.endpoints[`192.0.2.${Object.keys(record!.changes.endpoints).length}`] = "10.0.0.1";
    holders -= 1;
    record!.release();
  };
  await Promise.all(Array.from({ length: 8 }, work));
  expect(most).toBe(1);
  expect(Object.keys((await NetworkRecord.take("wg0"))!.changes.endpoints).length).toBe(8);
});

test("what is left to undo keeps it", async () => {
  const record = create();
  record.changes.services["Wi-Fi"] = { servers: ["192.168.1.1"], search: [] };
  record.close();
  const left = await NetworkRecord.take("wg0");
  expect(left!.changes.services).toEqual({ "Wi-Fi": { servers: ["192.168.1.1"], search: [] } });
  delete left!.changes.services["Wi-Fi"];
  left!.close();
  expect(readdirSync(join(folder, "sockets"))).toEqual([]);
});

test("others get it also where it cannot be saved", async () => {
  const record = create();
  // In the way of what is written first, as a full disk would be.
  mkdirSync(join(folder, "sockets/wg0.network.taken.new"));
  expect(() => record.release()).toThrow();
  expect(readdirSync(join(folder, "sockets"))).toContain("wg0.network");
});

test("and one who finds it undone has nothing to do", async () => {
  const record = create();
  const other = NetworkRecord.take("wg0");
  record.close();
  expect(await other).toBeUndefined();
});
