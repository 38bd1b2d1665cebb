// The process that follows a Mac's network, as it is started, with stand-ins for the programs that it runs.
import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NetworkRecord } from "../../../../../host/cli/quick/macos/record.ts";
import { FOLLOW } from "../../../../../host/cli/quick/system.ts";
import { until } from "../../../os/macos/support/bed.ts";

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let folder: string;
let follower: ChildProcess;
let exit: Promise<number | null>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-follow-"));
  process.env.WASMGUARD_SOCKET_DIR = folder;
  const programs = join(folder, "bin");
  mkdirSync(programs);
  for (const name of ["ifconfig", "netstat", "networksetup", "route"]) {
    symlinkSync(local("support/programs.sh"), join(programs, name));
  }
  for (const file of ["log", "news"]) writeFileSync(join(folder, file), "");
  writeFileSync(join(folder, "-getdnsservers"), "10.7.0.53\n");
  writeFileSync(join(folder, "-getsearchdomains"), "There aren't any Search Domains set on Wi-Fi.\n");
  NetworkRecord.create("office", {
    interfaceName: "utun5",
    dns: { servers: ["10.7.0.53"], search: [] },
    mtu: "given",
    families: [],
    endpoints: {},
    services: { "Wi-Fi": { servers: ["192.168.1.1"], search: [] } },
  }).release();
  const args = [local("../../elsewhere-entry.ts"), "darwin", "arm64", FOLLOW, "office"];
  follower = spawn(process.execPath, args, {
    env: { ...process.env, MAC: folder, PATH: `${programs}:${process.env.PATH}` },
    stdio: "ignore",
  });
  exit = new Promise((resolve) => follower.on("close", resolve));
});

afterEach(async () => {
  follower.kill("SIGKILL");
  await exit;
  delete process.env.WASMGUARD_SOCKET_DIR;
  rmSync(folder, { recursive: true });
});

const log = (): string => readFileSync(join(folder, "log"), "utf8");
const tell = (): void => appendFileSync(join(folder, "news"), "RTM_IFINFO: iface status change: len 112\n");
const RESTORED = "-setdnsservers Wi-Fi 192.168.1.1\n-setsearchdomains Wi-Fi Empty\n";

test("it sets what others have changed, and puts back what was there once the interface has gone", async () => {
  writeFileSync(join(folder, "-getdnsservers"), "9.9.9.9\n");
  tell();
  await until("DNS servers", () => log() === "-setdnsservers Wi-Fi 10.7.0.53\n-setsearchdomains Wi-Fi Empty\n");
  writeFileSync(join(folder, "log"), "");
  writeFileSync(join(folder, "gone"), "");
  tell();
  expect(await exit).toBe(0);
  expect(log()).toBe(RESTORED);
  expect(existsSync(join(folder, "office.network"))).toBe(false);
});

test("it ends with what it has to undo, when somebody else has undone it", async () => {
  const record = await NetworkRecord.take("office");
  record!.remove();
  tell();
  expect(await exit).toBe(0);
  expect(log()).toBe("");
});

test("told to end it puts DNS servers back, and keeps the record for down", async () => {
  // A sign that it listens: it has set what it found changed.
  writeFileSync(join(folder, "-getdnsservers"), "9.9.9.9\n");
  tell();
  await until("DNS servers", () => log() !== "");
  await until("the end of the look", () => existsSync(join(folder, "office.network")));
  writeFileSync(join(folder, "log"), "");
  follower.kill("SIGTERM");
  expect(await exit).toBe(0);
  expect(log()).toBe(RESTORED);
  expect(JSON.parse(readFileSync(join(folder, "office.network"), "utf8"))).toMatchObject({ services: {} });
});
