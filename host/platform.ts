/**
 * The only file that asks which system and which runtime this is.
 */
import { availableParallelism, constants, release } from "node:os";

export type Runtime = "node" | "bun" | "deno";

export function runtime(): Runtime {
  if ("Deno" in globalThis) return "deno";
  return process.versions.bun === undefined ? "node" : "bun";
}

/** For messages: "node 26.10.0". */
export function runtimeName(): string {
  const name = runtime();
  return `${name} ${process.versions[name] ?? ""}`.trimEnd();
}

/** As the runtime names it: "linux", "win32", "darwin", "freebsd"… For os/ and ffi/, which have a part for each; others ask what it can do. */
export function platform(): string {
  return process.platform;
}

/** Whether the mode of a file says who may read it; on Windows an access control list does, which the runtimes do not show. */
export function filesHaveModes(): boolean {
  return process.platform !== "win32";
}

/** Whether the `errno` of an error is a number of libuv's, unlike those in os.constants. */
export function errnoIsLibuvs(): boolean {
  return process.platform === "win32";
}

/** Whether tunnels are configured through pipes that have names, instead of sockets that are files. */
export function tunnelsHavePipes(): boolean {
  return process.platform === "win32";
}

/** Whether a tunnel's device gets another name than was asked for, so that a file has to tell it (WG_TUN_NAME_FILE). */
export function systemNamesDevices(): boolean {
  return process.platform === "darwin";
}

/** Whether there are namespaces of networks, with devices of their own. */
export function hasNetworkNamespaces(): boolean {
  return process.platform === "linux";
}

/** Whether a socket's buffer becomes twice of what is asked for (socket(7)). */
export function doublesSocketBuffers(): boolean {
  return process.platform === "linux";
}

/**
 * Where configurations are that are called by their names: on macOS Homebrew's, too, for both processors. Nowhere on Windows: `/etc` is of
 * whichever drive is the current one there, and anybody may make it.
 */
export function configurationFolders(): readonly string[] {
  if (process.platform === "win32") return [];
  const homebrew = ["/usr/local/etc/wireguard", "/opt/homebrew/etc/wireguard"];
  return ["/etc/wireguard", ...(process.platform === "darwin" ? homebrew : [])];
}

/** Whether /proc tells a process about itself. */
export function hasProcessFiles(): boolean {
  return process.platform === "linux";
}

/** As names of environment variables are compared: Windows takes "node_options" for NODE_OPTIONS. */
export function variableName(name: string): string {
  return process.platform === "win32" ? name.toUpperCase() : name;
}

/** Those that ask a program to end, and may come. On Windows nobody can send SIGTERM: it ends the process at once. */
export function endingSignals(): readonly NodeJS.Signals[] {
  return process.platform === "win32" ? ["SIGINT", "SIGBREAK", "SIGHUP"] : ["SIGINT", "SIGTERM"];
}

/** Whether Ctrl-C reaches every process of a console by itself, and sending a signal is as good as killing. */
export function consoleTellsChildren(): boolean {
  return process.platform === "win32";
}

/** Whether a process can become another program. */
export function replacesProcesses(): boolean {
  return process.platform !== "win32";
}

/** As packages of binaries are called: "linux-x64". */
export function binaryName(): string {
  return `${process.platform}-${process.arch}`;
}

/** For messages: "linux riscv64", both as the runtime names them. */
export function systemName(): string {
  return `${process.platform} ${process.arch}`;
}

/** "14.6.202.34", also where it is only a claim: in Bun. */
export function v8Version(): string {
  return process.versions.v8 ?? "";
}

/** The machine as `uname -m` names it; undefined where the struct layouts of host/ffi do not hold. */
export function machine(): "x86_64" | "aarch64" | undefined {
  if (process.arch === "x64") return "x86_64";
  return process.arch === "arm64" ? "aarch64" : undefined;
}

/** Processors that this process may run on. */
export function processors(): number {
  return availableParallelism();
}

/** Whether `kernelAtLeast` may be asked without Deno asking its user. */
export function mayAskRelease(): boolean {
  const { Deno: deno } = globalThis as {
    Deno?: { permissions: { querySync(of: { name: "sys"; kind: "osRelease" }): { state: string } } };
  };
  return deno === undefined || deno.permissions.querySync({ name: "sys", kind: "osRelease" }).state === "granted";
}

/** Whether files below /proc may be read without Deno asking its user; it grants them to programs that may do everything. */
export function mayReadProc(): boolean {
  const { Deno: deno } = globalThis as {
    Deno?: { permissions: { querySync(of: { name: "read"; path: string }): { state: string } } };
  };
  return deno === undefined || deno.permissions.querySync({ name: "read", path: "/proc" }).state === "granted";
}

/** @returns true when the running kernel is at least major.minor */
export function kernelAtLeast(major: number, minor: number): boolean {
  const [have = 0, haveMinor = 0] = release()
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return have > major || (have === major && haveMinor >= minor);
}

/** For messages: "SIGKILL". */
export function signalName(number: number): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === number);
  return known?.[0] ?? `signal ${number}`;
}
