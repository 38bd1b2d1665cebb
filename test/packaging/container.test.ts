/**
 * packaging/container/Containerfile, built by podman as it is. Registries of images are not asked: what it starts from is made here, of this machine's
 * own /usr (mounted read-only, with the Node of the tests) and its packages' records.
 */

import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeKey, generatePrivateKey } from "../../host/library/device-keys.ts";
import { attempt, makeProject, type Project, ROOT, run } from "./support.ts";

const WAIT = { timeout: 120_000 };
const PATHS = "/opt/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const EMPTY = ["usr", "etc", "run", "proc", "sys", "dev", "opt", "root", "var/lib/apt", "var/cache/apt", "var/log"];
/** Who there is, where packages come from, and whom to trust. */
const KEPT = ["passwd", "group", "shadow", "gshadow", "login.defs", "apt", "ssl", "ca-certificates", "debian_version"];
const ALSO_KEPT = ["alternatives", "nsswitch.conf", "ld.so.conf", "ld.so.conf.d", "ld.so.cache"];
const MOUNTS = ["-v", "/usr:/usr:ro", "-v", `${dirname(realpathSync(process.execPath))}:/opt/node:ro`];
/** podman's own wishes take a capability that whoever runs the tests may lack. */
const LIMITS = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"];

/** No file knows a user of this number. */
const STRANGER = 12_345;

let project: Project;
let folder: string;

function podman(...args: string[]): string[] {
  const at = (name: string): string => join(folder, name);
  const places = ["--root", at("storage"), "--runroot", at("run"), "--tmpdir", at("tmp"), "--storage-driver=vfs"];
  return [...places, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none", ...args];
}

/** As a system with nothing installed but what /usr has. @returns its directory */
function makeBase(): string {
  const root = join(folder, "base");
  for (const name of EMPTY) mkdirSync(join(root, name), { recursive: true });
  mkdirSync(join(root, "tmp"));
  run("chmod", ["1777", join(root, "tmp")], folder);
  for (const name of ["bin", "sbin", "lib", "lib32", "lib64"]) {
    if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of [...KEPT, ...ALSO_KEPT]) {
    if (existsSync(`/etc/${name}`))
      cpSync(`/etc/${name}`, join(root, "etc", name), { recursive: true, verbatimSymlinks: true });
  }
  cpSync("/var/lib/dpkg", join(root, "var/lib/dpkg"), { recursive: true });
  return root;
}

beforeAll(() => {
  project = makeProject();
  folder = mkdtempSync(join(tmpdir(), "wasmguard-container-"));
  run("tar", ["-C", makeBase(), "-cf", join(folder, "base.tar"), "."], folder);
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  const changes = [`PATH=${PATHS}`, ...(certificates === undefined ? [] : [`NODE_EXTRA_CA_CERTS=${certificates}`])];
  const environment = changes.map((change) => `--change=ENV ${change}`);
  run("podman", podman("import", ...environment, join(folder, "base.tar"), "localhost/base:test"), folder);
});
afterAll(() => {
  attempt("podman", podman("rm", "--all", "--force", "--time=0"), "/");
  rmSync(folder, { recursive: true, force: true });
  project.remove();
});

it("builds, and lets a proxy run without any right", async () => {
  const context = join(folder, "context");
  mkdirSync(context);
  cpSync(join(ROOT, "packaging/container/Containerfile"), join(context, "Containerfile"));
  cpSync(project.tarball, join(context, basename(project.tarball)));
  const built = ["--build-arg=NODE=localhost/base:test", `--build-arg=PACKAGE=${basename(project.tarball)}`];
  const build = ["build", "--layers=false", "--isolation=chroot", "--network=host", ...MOUNTS, ...built];
  run("podman", podman(...build, "-t", "wasmguard", "-f", "Containerfile", "."), context);

  const rights = ["--cap-drop=all", "--read-only", "--network=host", "--init=false", ...LIMITS, ...MOUNTS];
  await runProxy(["podman", ...podman()], [...rights, "--user=1000"], ["wasmguard"]);

  // The same files, by somebody without any right, whom this machine does not know.
  const root = join(folder, "stranger");
  mkdirSync(root);
  run("podman", podman("create", "--name=files", "wasmguard"), folder);
  run("podman", podman("export", "-o", join(folder, "files.tar"), "files"), folder);
  run("tar", ["-C", root, "-xf", join(folder, "files.tar")], folder);
  const own = ["home", "run", "tmp"].map((name) => join(folder, `stranger-${name}`));
  for (const path of own) mkdirSync(path);
  run("chmod", ["755", folder], folder);
  run("chown", ["-hR", `${STRANGER}:${STRANGER}`, root, ...own], folder);
  const [home, runtime, temporary] = own;
  const stranger = [
    ...["setpriv", `--reuid=${STRANGER}`, `--regid=${STRANGER}`, "--clear-groups", "--", "env", "-i"],
    ...[`PATH=${process.env.PATH}`, `HOME=${home}`, `XDG_RUNTIME_DIR=${runtime}`, "podman", `--tmpdir=${temporary}`],
    ...["--storage-driver=vfs", "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none"],
  ];
  const environment = ["--workdir=/", `--env=PATH=/opt/wasmguard/bin:${PATHS}`];
  try {
    await runProxy(stranger, [...rights, ...environment], ["--rootfs", root, "wasmguard"]);
  } finally {
    // What podman keeps a user's namespaces with.
    const pause = join(temporary!, "pause.pid");
    if (existsSync(pause)) process.kill(Number(readFileSync(pause, "utf8")), "SIGKILL");
  }
});

/** Start a proxy in a container, and end it by a signal. @param podman command line before what podman is to do */
async function runProxy(
  podman: readonly string[],
  options: readonly string[],
  image: readonly string[],
): Promise<void> {
  const [program = "", ...before] = podman;
  const key = new TextDecoder().decode(encodeKey(generatePrivateKey()));
  const config = join(folder, "office.conf");
  writeFileSync(config, `[Interface]\nPrivateKey = ${key}\nAddress = 10.0.0.1\n`);
  run("chmod", ["644", config], folder);
  const named = ["--name=proxy", "-v", `${config}:/office.conf:ro`];
  const command = [...image, "proxy", "/office.conf", "--socks", "127.0.0.1:0"];
  const proxy = spawn(program, [...before, "run", "--rm", ...options, ...named, ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
  });
  let output = "";
  for (const stream of [proxy.stdout, proxy.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => proxy.once("close", resolve));
  await expect.poll(() => output, WAIT).toMatch(/^SOCKS5 proxy on 127\.0\.0\.1:\d+$[\s\S]*^ready$/m);
  run(program, [...before, "kill", "--signal=TERM", "proxy"], "/");
  expect(await ended, output).toBe(0);
}
