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
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isNews } from "../../../../../host/cli/quick/macos/follow.ts";
import { NetworkRecord } from "../../../../../host/cli/quick/macos/record.ts";
import { FOLLOW } from "../../../../../host/cli/quick/system.ts";
import { until } from "../../../os/macos/support/bed.ts";

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const CHANGES = {
  interfaceName: "utun5",
  dns: { servers: ["10.7.0.53"], search: [] },
  // Which ifconfig refuses here.
  mtu: "automatic" as const,
  families: [],
  endpoints: {},
};

let folder: string;
let follower: ChildProcess;
let exit: Promise<number | null>;
/** The tunnel's, which is there for as long. */
let socket: Server;

beforeEach(async () => {
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
  socket = createServer((client) => client.destroy());
  await new Promise<void>((resolve) => socket.listen(join(folder, "utun5.sock"), resolve));
  const services = { "Wi-Fi": { servers: ["192.168.1.1"], search: [] } };
  NetworkRecord.create("office", { ...CHANGES, services }).release();
  start(local("support/follow-entry.ts"), "office");
});

afterEach(async () => {
  follower.kill("SIGKILL");
  await exit;
  await leave();
  delete process.env.WASMGUARD_SOCKET_DIR;
  rmSync(folder, { recursive: true });
});

function start(...args: readonly string[]): void {
  const PATH = `${join(folder, "bin")}:${process.env.PATH}`;
  follower = spawn(process.execPath, args, { env: { ...process.env, MAC: folder, PATH }, stdio: "ignore" });
  exit = new Promise((resolve) => follower.on("close", resolve));
}

const leave = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
const log = (): string => readFileSync(join(folder, "log"), "utf8");
const tell = (): void => appendFileSync(join(folder, "news"), "RTM_IFINFO: iface status change: len 112\n");
const RESTORED = "-setdnsservers Wi-Fi 192.168.1.1\n-setsearchdomains Wi-Fi Empty\n";

test("it sets what others have changed, and puts back what was there once the interface has gone", async () => {
  writeFileSync(join(folder, "-getdnsservers"), "9.9.9.9\n");
  tell();
  await until("DNS servers", () => log() === "-setdnsservers Wi-Fi 10.7.0.53\n-setsearchdomains Wi-Fi Empty\n");
  writeFileSync(join(folder, "log"), "");
  await leave();
  tell();
  expect(await exit).toBe(0);
  expect(log()).toBe(RESTORED);
  expect(existsSync(join(folder, "office.network"))).toBe(false);
});

test("it ends with what it has to undo, when somebody else has undone it", async () => {
  const record = await NetworkRecord.take("office");
  delete record!.changes.services["Wi-Fi"];
  record!.close();
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

test.each(["SIGTERM", "SIGHUP"] as const)(
  "a record that cannot be saved keeps nobody from ending at %s",
  async (signal) => {
    await until("a look", () => existsSync(join(folder, "looks")));
    await until("its end", () => existsSync(join(folder, "office.network")));
    mkdirSync(join(folder, "office.network.taken.new"));
    const before = readFileSync(join(folder, "looks"), "utf8");
    tell();
    await until("another look", () => readFileSync(join(folder, "looks"), "utf8") !== before);
    follower.kill(signal);
    await exit;
    expect(log()).toBe(RESTORED);
    expect(existsSync(join(folder, "office.network"))).toBe(true);
  },
);

test("programs of the system come before those of PATH", async () => {
  follower.kill("SIGKILL");
  await exit;
  rmSync(join(folder, "path"), { force: true });
  NetworkRecord.create("laptop", { ...CHANGES, services: {} }).release();
  start(local("../../elsewhere-entry.ts"), "darwin", "arm64", FOLLOW, "laptop");
  const path = (): string => (existsSync(join(folder, "path")) ? readFileSync(join(folder, "path"), "utf8") : "");
  await until("networksetup", () => path().endsWith("\n"));
  expect(path()).toMatch(/^\/usr\/bin:\/bin:\/usr\/sbin:\/sbin:/);
});

test("news is what has changed: not what was asked, or refused", () => {
  expect(isNews("RTM_ADD: Add Route: len 132, pid: 71, seq 1, errno 0, flags:<UP,GATEWAY>")).toBe(true);
  expect(isNews("RTM_NEWADDR: address being added to iface: len 76, metric 0, flags:<UP>")).toBe(true);
  expect(isNews("RTM_GET: Report Metrics: len 132, pid: 71, seq 1, errno 0, flags:<UP,GATEWAY>")).toBe(false);
  expect(isNews("RTM_ADD: Add Route: len 132, pid: 71, seq 1, errno 17, flags:<UP,GATEWAY>")).toBe(false);
  expect(isNews("locks:  inits: ")).toBe(false);
});
