/**
 * Containers by podman and runc, made of this machine's own programs: a root of their own with the system's /usr and this checkout
 * mounted read-only. Nothing is fetched, and nothing of the user's containers is touched.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { attempt } from "./exec.ts";
import type { Implementation } from "./implementations.ts";
import { wasmguardOnNode } from "./implementations.ts";
import { requireLab } from "./requirements.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const EMPTY = ["usr", "etc", "tmp", "run", "proc", "sys", "dev", "var"];
const IN_USR = ["bin", "sbin", "lib", "lib32", "lib64"];

/** Somebody without any right, whom no file knows: a user of one number, which is all that its containers have. */
const STRANGER = 12_345;

export class Containers implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "wasmguard-containers-"));
  readonly #root = join(this.#directory, "root");
  readonly #as: "root" | "stranger";

  private constructor(as: "root" | "stranger") {
    this.#as = as;
    for (const name of EMPTY) mkdirSync(join(this.#root, name), { recursive: true });
    for (const name of IN_USR) if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, join(this.#root, name));
    symlinkSync("/run", join(this.#root, "var/run"));
    for (const name of ["passwd", "group"]) copyFileSync(`/etc/${name}`, join(this.#root, "etc", name));
    if (as === "stranger") {
      for (const name of ["home", "run"]) mkdirSync(join(this.#directory, name));
      execFileSync("mknod", ["-m", "0666", join(this.#directory, "tun"), "c", "10", "200"]);
      execFileSync("chown", ["-hR", `${STRANGER}:${STRANGER}`, this.#directory]);
    }
  }

  /** They go with the test. @param as whose they are: a stranger has a TUN device that is everybody's */
  static open(ctx: TestContext, as: "root" | "stranger" = "root"): Containers {
    requireLab(ctx, "podman", "runc", "unshare", "setpriv", "mknod");
    const containers = new Containers(as);
    ctx.onTestFinished(() => containers[Symbol.asyncDispose]());
    return containers;
  }

  #podman(...args: string[]): string[] {
    const at = (name: string): string => join(this.#directory, name);
    const places = ["--root", at("storage"), "--runroot", at("run"), "--tmpdir", at("tmp"), "--storage-driver=vfs"];
    const podman = ["podman", ...places, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none"];
    return [...(this.#as === "stranger" ? this.#asStranger() : []), ...podman, ...args];
  }

  /** What is in front of a command that the stranger is to run. */
  #asStranger(): string[] {
    const device = `mount --bind "${this.#directory}/tun" /dev/net/tun && exec "$@"`;
    const environment = [`PATH=${process.env.PATH}`, `HOME=${this.#directory}/home`];
    return [
      ...["unshare", "--mount", "sh", "-c", device, "sh"],
      ...["setpriv", `--reuid=${STRANGER}`, `--regid=${STRANGER}`, "--clear-groups", "--"],
      ...["env", "-i", ...environment, `XDG_RUNTIME_DIR=${this.#directory}/run`],
    ];
  }

  /** To run a program in a container. Unless the options say otherwise its network is the namespace that this is started in. */
  command(
    options: readonly string[],
    program: readonly string[],
    how: "wait for it" | "detach" = "wait for it",
  ): string[] {
    const mounts = ["-v=/usr:/usr:ro", `-v=${ROOT}:${ROOT}:ro`];
    const network = options.some((option) => option.startsWith("--network=")) ? [] : ["--network=host"];
    const alike = [
      ...network,
      ...(this.#as === "root" ? ["--ipc=host"] : []),
      "--log-driver=none",
      "--device=/dev/net/tun",
      "--read-only",
    ];
    const own = [...alike, "--read-only-tmpfs=false", ...mounts, ...options];
    const detach = how === "detach" ? ["-d"] : [];
    return this.#podman("run", "--rm", ...detach, ...own, "--rootfs", this.#root, ...program);
  }

  /** A daemon in the foreground of a container, whose socket is where this machine's `wg` looks for it. */
  daemon(...options: string[]): Implementation {
    const sockets = "-v=/run/wireguard:/run/wireguard";
    const start = this.command([sockets, ...options], [...wasmguardOnNode.command, "-f"], "detach");
    const script =
      'for name; do :; done; "$@" >/dev/null && until [ -S "/run/wireguard/$name.sock" ]; do sleep 0.05; done';
    return { ...wasmguardOnNode, name: "wasmguard in a container", command: ["sh", "-c", script, "sh", ...start] };
  }

  /** A process of podman's that keeps the user's namespaces for as long as there may be containers. */
  #endPause(): void {
    for (const name of readdirSync(this.#directory, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith("pause.pid")) continue;
      process.kill(Number(readFileSync(join(this.#directory, name), "utf8")), "SIGKILL");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await attempt(this.#podman("rm", "--all", "--force", "--time=0"));
    if (this.#as === "stranger") this.#endPause();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
