// Wine's root is not made anew while somebody uses it. With directories of the test's own in the places of the machine's, and nothing is installed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const SCRIPTS = fileURLToPath(new URL("../../scripts", import.meta.url));
const PATIENCE = { timeout: 20_000, interval: 20 };
/** Of install-wine.sh where the packages cannot be had, and of run-in-wine.sh where there is no Wine. */
const NO_PACKAGES = 7;
const NO_WINE = 125;

let folder: string;
let running: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wine-lock-"));
  running = [];
  mkdirSync(join(folder, "opt/wasmguard-wine"), { recursive: true });
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/apt-get"), `#!/bin/sh\ntouch ${folder}/began\nexit ${NO_PACKAGES}\n`);
  chmodSync(join(folder, "bin/apt-get"), 0o755);
});
afterEach(async () => {
  for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const wine = () => join(folder, "opt/wasmguard-wine");
const began = () => existsSync(join(folder, "began"));

/** Runs where /opt is ours. */
function start(command: string): ChildProcess {
  const rights = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const script = `mount --bind ${folder}/opt /opt && export PATH=${folder}/bin:$PATH && exec ${command}`;
  const child = spawn("unshare", [...rights, "--mount", "bash", "-c", script], { stdio: "ignore" });
  running.push(child);
  return child;
}

/** Has the lock until its input ends. */
function hold(kind: "shared" | "exclusive"): ChildProcess {
  const child = spawn("flock", [`--${kind}`, wine(), "cat"], { stdio: ["pipe", "ignore", "ignore"] });
  running.push(child);
  return child;
}

/** Locks of that directory, as /proc/locks has them: "->" before those that are waited for. */
function locks(): string[] {
  const suffix = `:${statSync(wine()).ino} `;
  return readFileSync("/proc/locks", "utf8")
    .split("\n")
    .filter((line) => line.includes(suffix));
}
const held = () => locks().filter((line) => !line.includes("->")).length;
const waited = () => locks().filter((line) => line.includes("->")).length;

it("an installation waits for those who use it", async () => {
  const user = hold("shared");
  await expect.poll(held, PATIENCE).toBe(1);
  const installation = start(`${SCRIPTS}/install-wine.sh`);
  await expect.poll(() => waited() + (began() ? 1 : 0), PATIENCE).toBe(1);
  expect(began()).toBe(false);
  user.stdin!.end();
  expect(await once(installation, "exit")).toEqual([NO_PACKAGES, null]);
  expect(began()).toBe(true);
});

it("and who wants to use it for an installation", async () => {
  const installation = hold("exclusive");
  await expect.poll(held, PATIENCE).toBe(1);
  const user = start(`${SCRIPTS}/run-in-wine.sh cmd /c exit`);
  await expect.poll(() => waited() + (user.exitCode === null ? 0 : 1), PATIENCE).toBe(1);
  expect(user.exitCode).toBeNull();
  installation.stdin!.end();
  expect(await once(user, "exit")).toEqual([NO_WINE, null]);
});

it("an installation that is there waits for them, too, to get settings that it lacks", async () => {
  writeFileSync(join(wine(), "complete"), "");
  writeFileSync(join(folder, "bin/npm"), "#!/bin/sh\nexit 1\n");
  chmodSync(join(folder, "bin/npm"), 0o755);
  const user = hold("shared");
  await expect.poll(held, PATIENCE).toBe(1);
  const installation = start(`${SCRIPTS}/install-wine.sh`);
  await expect.poll(() => waited() + (installation.exitCode === null ? 0 : 1), PATIENCE).toBe(1);
  expect(installation.exitCode).toBeNull();
  user.stdin!.end();
  expect(await once(installation, "exit")).toEqual([NO_WINE, null]);
  expect(began()).toBe(false);
});
