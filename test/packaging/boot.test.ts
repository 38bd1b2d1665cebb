/** The shipped systemd unit under a systemd that is the first process of a system: from start to stop, in the sandbox that it asks for. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { attempt, makeProject, type Project, ROOT } from "./support.ts";

/** Numbers of linux/capability.h. */
const KILL_TO_SETPCAP = [5, 6, 7, 8];
const NET_BIND_SERVICE = 10;
const NET_BROADCAST = 11;
const NET_ADMIN = 12;
const NET_RAW = 13;
const IPC_LOCK = 14;
const SYS_NICE = 23;
const BOUNDING = [...KILL_TO_SETPCAP, NET_BIND_SERVICE, NET_BROADCAST, NET_ADMIN, NET_RAW, IPC_LOCK, SYS_NICE];

let project: Project;
beforeAll(() => {
  project = makeProject();
});
afterAll(() => project.remove());

const capabilities = (...numbers: number[]) =>
  numbers
    .reduce((set, number) => set + 2 ** number, 0)
    .toString(16)
    .padStart(16, "0");

it("starts, carries a ping as the user of sysusers.d, comes back after a crash, and leaves nothing behind", () => {
  const modules = join(project.directory, "node_modules");
  const script = join(ROOT, "test/packaging/boot.sh");
  const boot = [join(ROOT, "scripts/boot-systemd.sh"), modules, process.execPath, script];
  const { code, output } = attempt("bash", boot, project.directory);
  const seen = output.split("\n").filter((line) => line !== "" && !line.startsWith("[#]"));
  expect(seen).toEqual([
    "started: active, by notify",
    "user: wasmguard",
    "no new privileges: 1",
    "seccomp: 2",
    `bounding: ${capabilities(...BOUNDING)}`,
    `effective: ${capabilities(NET_BIND_SERVICE, NET_RAW)}`,
    "ping: answered",
    "after a crash: active, restarts 1",
    "ping: answered",
    "stopped: inactive, success",
    "interface: gone",
    "socket: gone",
    "alone: inactive, success",
    "alone: inactive, success",
  ]);
  expect(code).toBe(0);
});
