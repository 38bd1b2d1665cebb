/** The command on Windows: keys, files as people have them there, and what is refused. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { commandOf, PROGRAM, RUNTIMES, run, type Surroundings } from "./runtimes.ts";

const folder = mkdtempSync(join(tmpdir(), "wasmguard-windows-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const spaced = join(folder, "My Tunnels");
mkdirSync(spaced);

const PRIVATE = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const PUBLIC = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const PEER = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const CONFIG = [
  ...["[Interface]", `PrivateKey = ${PRIVATE}`, "Address = 10.8.0.1/24"],
  ...["[Peer]", `PublicKey = ${PEER}`, "AllowedIPs = 10.8.0.0/24", "Endpoint = 127.0.0.1:9", ""],
].join("\r\n");

function file(name: string, content: string | Uint8Array): string {
  const path = join(spaced, name);
  writeFileSync(path, content);
  return path;
}

describe.each(RUNTIMES)("in %s", (runtime) => {
  const command = (args: readonly string[], surroundings?: Surroundings) => {
    const { status, stdout, stderr } = run(runtime, [PROGRAM, ...args], surroundings);
    // Bun under Wine complains of its own bookkeeping.
    return { status, stdout, stderr: stderr.replace(/^Internal error: directory mismatch.*\r?\n/gm, "") };
  };

  it("keys go through pipes, with line ends of either kind", () => {
    const { status, stdout, stderr } = command(["genkey"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    for (const end of ["", "\n", "\r\n"]) {
      expect(command(["pubkey"], { input: PRIVATE + end })).toEqual({ status: 0, stdout: `${PUBLIC}\n`, stderr: "" });
    }
    expect(command(["genpsk"]).stdout).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(command(["pubkey"], { input: "short" })).toMatchObject({ status: 1, stdout: "" });
  });

  it("a key goes to a file, without a warning about modes that files have not", () => {
    const path = join(spaced, `${runtime}.key`);
    const to = openSync(path, "w");
    const [program, ...before] = commandOf(runtime);
    const { status, stderr } = spawnSync(program, [...before, PROGRAM, "genkey"], { stdio: ["ignore", to, "pipe"] });
    closeSync(to);
    expect(status).toBe(0);
    expect(String(stderr)).not.toMatch(/Warning/);
    expect(readFileSync(path)).toHaveLength(45);
  });

  it.each([
    ["with CRLF", CONFIG],
    ["with LF", CONFIG.replaceAll("\r\n", "\n")],
    ["with a byte order mark", `\ufeff${CONFIG}`],
  ])("a configuration %s is read, from a path with spaces and backslashes", (_, content) => {
    const path = file("wg0.conf", content);
    expect(path).toMatch(/^[A-Z]:\\.* /);
    const stripped = command(["strip", path]);
    expect(stripped.stdout).toContain(`PublicKey = ${PEER}`);
    expect(stripped.stdout).not.toContain("Address");
    expect(stripped).toMatchObject({ status: 0, stderr: "" });
    expect(command(["proxy", path, "--configtest", "--socks", "0"])).toEqual({
      status: 0,
      stdout: "",
      stderr: "the configuration is valid\n",
    });
  });

  it("so it is from standard input, from a relative path, and with what the environment has", () => {
    const test = ["--configtest", "--socks", "0"];
    const valid = { status: 0, stderr: "the configuration is valid\n" };
    expect(command(["proxy", "-", ...test], { input: CONFIG })).toMatchObject(valid);
    const text = CONFIG.replace(PRIVATE, "$TUNNEL_KEY");
    file("by-environment.conf", text);
    const surroundings = { cwd: folder, env: { tunnel_key: PRIVATE } };
    expect(command(["proxy", "My Tunnels\\by-environment.conf", ...test], surroundings)).toMatchObject(valid);
  });

  it("another configuration is named by a drive, or beside the first", () => {
    const other = file("inner.conf", CONFIG);
    for (const named of [other, "inner.conf"]) {
      const path = file("outer.conf", `WGConfig = ${named}\r\n[Socks5]\r\nBindAddress = 127.0.0.1:1080\r\n`);
      expect(command(["proxy", path, "--configtest"])).toMatchObject({ status: 0 });
    }
  });

  it("text of PowerShell is told to be that", () => {
    const { status, stderr } = command(["strip", file("wide.conf", Buffer.from(`\ufeff${CONFIG}`, "utf16le"))]);
    expect(stderr).toBe("wasmguard: wide.conf, line 1: the file is UTF-16. Save it as UTF-8.\n");
    expect(status).toBe(1);
  });

  it("what is not there is one line, and an exit code", () => {
    for (const args of [["wg0"], ["up", "wg0"], ["down", "C:\\x\\wg0.conf"], ["strip", "C:\\none.conf"], ["--none"]]) {
      const { status, stdout, stderr } = command(args);
      expect(stdout).toBe("");
      expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^wasmguard: .*[^.]\. \S/);
      expect(status).toBeGreaterThan(0);
    }
  });

  it("variables that the runtime obeys reach no key, whatever their case", () => {
    const env = { node_v8_coverage: join(folder, "coverage"), Deno_Coverage_Dir: join(folder, "coverage") };
    const { status, stdout } = command(["genkey"], { env });
    expect(stdout).toHaveLength(45);
    expect(status).toBe(0);
  });

  it("the demo carries traffic", { timeout: 120_000 }, () => {
    const { status, stdout } = command(["demo"]);
    expect(stdout).toContain("this is not Linux");
    expect(stdout).toMatch(/5 of 5 answered/);
    expect(status).toBe(0);
  });
});
