/**
 * The parts of the command that need no tunnel.
 */
import { describe, expect, test } from "vitest";
import { attempt, run } from "./support/exec.ts";
import { subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { openDaemon, requirePrograms } from "./support/tunnel.ts";
import { makeKeyPair } from "./support/wireguard.ts";

describe(subject.name, () => {
  test("--version prints name and version", async (ctx) => {
    requirePrograms(ctx, subject);
    expect(await run([...subject.command, "--version"])).toMatch(/^(wasmguard|wireguard-go) v?\d+\.\d+/);
  });

  test("--help prints the usage to standard output", async (ctx) => {
    requirePrograms(ctx, subject);
    if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no --help");
    const help = await attempt([...subject.command, "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/^Usage: wasmguard/);
    for (const word of ["--foreground", "show", "genkey", "up", "down", "demo", "LOG_LEVEL"]) {
      expect(help.stdout).toContain(word);
    }
  });

  test.for([
    { what: "an unknown option", args: ["--no-such-option"] },
    { what: "no name", args: [] },
    { what: "two names", args: ["wg0", "wg1"] },
  ])("$what is refused in one line", async ({ args }, ctx) => {
    requirePrograms(ctx, subject);
    if (subject === wireguardGo) cannotRun(ctx, "wireguard-go does not report these");
    const result = await attempt([...subject.command, ...args]);
    expect(result.code).toBeGreaterThan(0);
    expect(result.stdout).toBe("");
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("genkey, genpsk and pubkey agree with `wg`", async (ctx) => {
    requirePrograms(ctx, subject);
    if (subject === wireguardGo) cannotRun(ctx, "wireguard-go makes no keys");
    const [program, ...args] = subject.command;
    const shell = (script: string) => run(["bash", "-c", script, "bash", program!, ...args]);
    expect(await shell('"$@" genkey | wg pubkey')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(await shell('"$@" genpsk')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(await shell('key=$(wg genkey); diff <(wg pubkey <<<"$key") <("$@" pubkey <<<"$key") && echo same')).toBe(
      "same\n",
    );
  });

  test("show and showconf print what `wg` prints", async (ctx) => {
    const { daemon, topology } = await openDaemon(ctx, subject);
    if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no show");
    const key = topology.file("key", makeKeyPair().privateKey);
    const peer = ["peer", makeKeyPair().publicKey, "allowed-ips", "10.0.0.0/8,2001:db8::/32", "endpoint", "[::1]:7"];
    await daemon.wg("set", daemon.interface, "private-key", key, "listen-port", "41000", ...peer);
    const never = { env: { WG_COLOR_MODE: "never" } };
    for (const view of [
      ["show", daemon.interface],
      ["show", daemon.interface, "dump"],
      ["show", daemon.interface, "allowed-ips"],
      ["showconf", daemon.interface],
    ]) {
      expect(await run([...subject.command, ...view], never)).toBe(await run(["wg", ...view], never));
    }
  });
});
