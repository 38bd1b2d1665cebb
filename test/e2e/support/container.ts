/**
 * Containers by podman and runc, made of this machine's own programs: a root of their own with the system's /usr and this checkout
 * mounted read-only. Nothing is fetched, and nothing of the user's containers is touched.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
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

export class Containers implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "wasmguard-containers-"));
  readonly #root = join(this.#directory, "root");

  private constructor() {
    for (const name of EMPTY) mkdirSync(join(this.#root, name), { recursive: true });
    for (const name of IN_USR) if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, join(this.#root, name));
    symlinkSync("/run", join(this.#root, "var/run"));
    for (const name of ["passwd", "group"]) copyFileSync(`/etc/${name}`, join(this.#root, "etc", name));
  }

  /** They go with the test. */
  static open(ctx: TestContext): Containers {
    requireLab(ctx, "podman", "runc");
    const containers = new Containers();
    ctx.onTestFinished(() => containers[Symbol.asyncDispose]());
    return containers;
  }

  #podman(...args: string[]): string[] {
    const at = (name: string): string => join(this.#directory, name);
    const places = ["--root", at("storage"), "--runroot", at("run"), "--tmpdir", at("tmp"), "--storage-driver=vfs"];
    return ["podman", ...places, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none", ...args];
  }

  /** To run a program in a container, whose network is the namespace that this is started in. */
  command(
    options: readonly string[],
    program: readonly string[],
    how: "wait for it" | "detach" = "wait for it",
  ): string[] {
    const mounts = ["-v=/usr:/usr:ro", `-v=${ROOT}:${ROOT}:ro`];
    const alike = ["--network=host", "--ipc=host", "--log-driver=none", "--device=/dev/net/tun", "--read-only"];
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

  async [Symbol.asyncDispose](): Promise<void> {
    await attempt(this.#podman("rm", "--all", "--force", "--time=0"));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
