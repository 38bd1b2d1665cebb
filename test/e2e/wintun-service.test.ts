/** A tunnel as a service of Windows, under Wine, whose manager of services starts and ends it. Wine tells what it gets for the log of events. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { generatePrivateKey, publicKeyOf } from "../../host/index.ts";
import { waitFor } from "./support/exec.ts";
import { WineSession, windowsPath } from "./support/wine-session.ts";
import { WintunBed } from "./support/wintun-bed.ts";
import { buildIpHelper, WintunSuite } from "./support/wintun-suite.ts";

let folderInWine = "";
const suite = new WintunSuite("wintun service-", async (folder) => {
  buildIpHelper(folder);
  const { WASMGUARD_WINTUN: ports } = await WintunBed.standIn();
  writeFileSync(join(folder, "wintun.dll.ports"), ports!);
  const wine = await WineSession.openTelling("-all,+eventlog", folder);
  // What is installed may have no links in its path.
  wine.script = await wine.realPath(wine.script);
  folderInWine = await wine.realPath(windowsPath(folder));
  await wine.replaceLibraries(folderInWine, "iphlpwine", "iphlpapi");
  return wine;
});

const there = (name: string): string => `${folderInWine}\\${name}`;
/** Whose files are here, as Wine has it: this user's, another's, and those that everybody may change. */
const ANYBODY = ["--writers", "S-1-5-21-0-0-0-1000,S-1-5-7,S-1-1-0"] as const;
const dll = () => ["--no-confine", "--allow-unsigned-wintun", "--wintun", there("wintun.dll")];

/** @returns exit code and output */
async function service(ctx: TestContext, ...words: string[]): Promise<[code: unknown, output: string]> {
  const program = suite.session(ctx).wasmguard(["service", ...words]);
  return [await program.ends(), program.output];
}

/** What the stand-in for IP Helper has written down since it was told what it knows. */
function tellSettings(known: string): () => string[] {
  writeFileSync(suite.path("settings"), known);
  return () => readFileSync(suite.path("settings"), "utf8").slice(known.length).split(/\r?\n/).slice(0, -1);
}

/** It has come to the log of events. */
const isLogged = (ctx: TestContext, text: RegExp) => waitFor(() => text.test(suite.session(ctx).diagnostics), 20_000);

test("is installed, runs as its file says, ends and is removed", { timeout: 120_000 }, async (ctx) => {
  const peer = publicKeyOf(generatePrivateKey());
  const base64 = (key: Uint8Array): string => Buffer.from(key).toString("base64");
  const lines = [
    ...["[Interface]", `PrivateKey = ${base64(generatePrivateKey())}`, "ListenPort = 0", "Address = 10.0.0.1/24"],
    ...["DNS = 10.0.0.53", "MTU = 1400", "PreUp = echo"],
    ...["[Peer]", `PublicKey = ${base64(peer)}`, "AllowedIPs = 10.0.0.2/32", ""],
  ];
  writeFileSync(suite.path("office.conf"), lines.join("\r\n"));
  const wineSession = suite.session(ctx);
  const ask = () => wineSession.ask("office", "get=1\n\n");

  const withHooks = await service(ctx, "install", there("office.conf"), ...dll());
  expect(withHooks).toEqual([1, expect.stringMatching(/has PreUp, and .*--hooks skip/)]);
  expect(await service(ctx, "install", there("office.conf"), ...dll(), ...ANYBODY, "--hooks", "skip")).toEqual([0, ""]);
  expect(await ask()).toBe("ENOENT");
  expect(await service(ctx, "install", "office", ...dll(), ...ANYBODY)).toEqual([
    1,
    expect.stringMatching(/is installed already/),
  ]);

  const refusing = tellSettings("refuse route\n");
  expect(await service(ctx, "start", "office")).toEqual([1, expect.stringMatching(/did not start/)]);
  expect(await isLogged(ctx, /err:eventlog:ReportEventW L"Windows lets only administrators set up network/)).toBe(true);
  const [setDns, undoneDns] = ["10.0.0.53", ""].map((server) => [
    `dns ipv4 servers ${server} search `,
    "dns ipv6 servers  search ",
  ]);
  expect(refusing().slice(-4)).toEqual([...setDns!, ...undoneDns!]);
  expect(await ask()).toBe("ENOENT");

  const settings = tellSettings("");
  expect(await service(ctx, "start", "office")).toEqual([0, ""]);
  expect(settings().slice(2)).toEqual([
    "address 10.0.0.1/24",
    "interface ipv4 mtu 1400 metric automatic discovery 0 dad 0",
    "interface ipv6 mtu 1400 metric automatic discovery 0 dad 0",
    ...setDns!,
    "route 10.0.0.2/32 by 0.0.0.0 metric 0",
  ]);
  expect(await ask()).toContain(`public_key=${Buffer.from(peer).toString("hex")}\n`);
  expect(await isLogged(ctx, /warn:eventlog:ReportEventW L"experimental: /)).toBe(true);
  expect(await service(ctx, "start", "office")).toEqual([1, expect.stringMatching(/runs already/)]);

  expect(await service(ctx, "stop", "office")).toEqual([0, ""]);
  expect(settings().slice(-2)).toEqual(undoneDns);
  expect(await ask()).toBe("ENOENT");
  expect(await service(ctx, "stop", "office")).toEqual([1, expect.stringMatching(/does not run/)]);
  // Once more: removed while it runs.
  tellSettings("");
  expect(await service(ctx, "start", "office")).toEqual([0, ""]);
  expect(await service(ctx, "uninstall", "office")).toEqual([0, ""]);
  expect(await ask()).toBe("ENOENT");
  expect(await service(ctx, "start", "office")).toEqual([1, expect.stringMatching(/is not installed/)]);
});

test("that cannot start tells so, and why in the log of events", { timeout: 60_000 }, async (ctx) => {
  const library = suite.path("gone.dll");
  const words = ["--no-confine", "--wintun", there("gone.dll"), ...ANYBODY];
  const early = await service(ctx, "install", "wgbad", ...words);
  expect(early).toEqual([1, expect.stringMatching(/there is no wintun\.dll: not at [A-Z]:/)]);
  writeFileSync(library, "");
  expect(await service(ctx, "install", "wgbad", ...words)).toEqual([0, ""]);
  rmSync(library);
  const [code, output] = await service(ctx, "start", "wgbad");
  expect([code, output]).toEqual([
    1,
    expect.stringMatching(/wasmguard-wgbad did not start\. .*ProviderName="wasmguard-wgbad"/),
  ]);
  expect(await isLogged(ctx, /err:eventlog:ReportEventW L"there is no wintun\.dll: not at [A-Z]:/)).toBe(true);
  expect(await service(ctx, "uninstall", "wgbad")).toEqual([0, ""]);
});

test("what no daemon would start with is not installed", { timeout: 60_000 }, async (ctx) => {
  for (const [words, line] of [
    [["install"], /takes a name or a file first/],
    [["install", "wgbad", "--wintun", "wintun.dll"], /--wintun is not a whole path/],
    [["install", "wgbad"], /cannot confine itself: .*--allow-unconfined/],
    [["install", "wgbad", ...dll()], /node\.exe belongs to S-1-\S+, who could have the service do anything/],
    [["install", "wgbad", "--writers", "Users"], /--writers takes SIDs/],
    [["install", "wgbad", "--hooks", "run"], /a service runs no hooks/],
    [["install", there("none.conf")], /none\.conf does not exist/],
  ] as const) {
    const [code, output] = await service(ctx, ...words);
    expect(code, output).toBeGreaterThan(0);
    expect(output).toMatch(line);
  }
});
