/**
 * `up`, `save` and `down` on Windows, under Wine: besides the stand-in for wintun.dll there is one for IP Helper (wintun/ip-helper.c), which writes
 * down what is set, as Windows would have it.
 */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { expect, type TestContext, test } from "vitest";
import { type WineProgram, WineSession, windowsPath } from "./support/wine-session.ts";
import { ECHO, echo, isEcho, WintunBed } from "./support/wintun-bed.ts";
import { buildIpHelper, WintunSuite } from "./support/wintun-suite.ts";

const INTERFACE = "Address = 10.0.0.1/24, fd00::1/64, fe80::77/64\nDNS = 10.0.0.53, fd00::53, corp.example";
const PEER = "AllowedIPs = 10.0.0.2/32, 0.0.0.0/0, fd00:0:0:1::/64";

/** Wine starts in seconds where nobody else is. */
const MANY_STARTS = { timeout: 180_000 };

const suite = new WintunSuite("wintun-up-", async (folder) => {
  buildIpHelper(folder);
  const wine = await WineSession.open(folder);
  await wine.replaceLibraries(windowsPath(folder), "iphlpwine", "iphlpapi");
  return wine;
});

const path = (name: string): string => suite.path(`${name}.conf`);
const settingsOf = (name: string): string => suite.path(`${name}.settings`);

/** At once, for it may look at any time. */
function tellStandIn(file: string, lines: string): void {
  writeFileSync(`${file}.new`, lines);
  renameSync(`${file}.new`, file);
}

interface Attempt {
  /** What the stand-in knows from the start. */
  readonly known?: string;
  readonly ofInterface?: string;
  readonly ofPeer?: string;
  readonly options?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
}

let attempts = 0;

async function up(
  ctx: TestContext,
  { known = "outside\n", ofInterface = "", ofPeer = PEER, options = [], variables = {} }: Attempt,
) {
  const session = suite.session(ctx);
  const file = settingsOf(`${attempts++}`);
  writeFileSync(file, known);
  const driver = ["--allow-unsigned-wintun", "--wintun", suite.dll];
  const environment = { WASMGUARD_IP_HELPER: windowsPath(file), ...variables };
  const interfaceLines = `${INTERFACE}\n${ofInterface}`;
  const words = [...driver, ...options];
  const bed = suite.use(ctx, await WintunBed.up(session, path, [interfaceLines, ofPeer], words, environment));
  const settings = (): string[] => readFileSync(file, "utf8").slice(known.length).split(/\r?\n/).slice(0, -1);
  const run = async (...words: string[]): Promise<WineProgram> => {
    const program = session.wasmguard([...words, windowsPath(path(bed.name))], environment);
    ctx.onTestFailed(() => console.log(program.output));
    await program.ends();
    return program;
  };
  return { session, bed, file, settings, run };
}

/** As `up` leaves them. */
const mtusOf = (settings: readonly string[]): string[] =>
  settings.flatMap((line) => /^interface (ipv[46] mtu \d+) .* dad 0$/.exec(line)?.[1] ?? []);

const linesOf = ({ output }: WineProgram): string[] =>
  output.split(/\r?\n/).filter((line) => line.startsWith("wasmguard: ") && !line.includes("experimental"));

test(
  "`up` sets what the configuration says and returns, `save` writes it down, `down` ends the daemon",
  MANY_STARTS,
  async (ctx) => {
    const { session, bed, settings, run } = await up(ctx, {});
    expect(bed.daemon.code).toBe(0);
    expect(settings()).toEqual([
      "interface ipv4 mtu 1420 metric automatic discovery 2 dad 3",
      "interface ipv6 mtu 1420 metric automatic discovery 2 dad 3",
      "address 10.0.0.1/24",
      "address fd00::1/64",
      "address fe80::77/64",
      "interface ipv4 mtu 1412 metric automatic discovery 0 dad 0",
      "interface ipv6 mtu 1412 metric automatic discovery 0 dad 0",
      "dns ipv4 servers 10.0.0.53 search corp.example",
      "dns ipv6 servers fd00::53 search corp.example",
      "route fd00:0:0:1::/64 by :: metric 0",
      "route 10.0.0.2/32 by 0.0.0.0 metric 0",
      // The daemon sees it, and only then it takes all.
      "interface ipv4 mtu 1412 metric 9999 discovery 2 dad 3",
      "route 0.0.0.0/0 by 0.0.0.0 metric 0",
      "interface ipv4 mtu 1412 metric 0 discovery 2 dad 3",
    ]);
    await bed.pingFromNear(1);

    const again = await run("up");
    expect(again.code).toBe(1);
    expect(linesOf(again)[0]).toMatch(/already exists\. Take it down first/);

    const { ino } = statSync(path(bed.name));
    const saved = await run("save");
    expect(saved.code).toBe(0);
    // Another in its place, and nothing beside it. Wine's ReplaceFileW leaves it the list that it was made with.
    const replaced = statSync(path(bed.name));
    expect(replaced.ino).not.toBe(ino);
    expect(replaced.mode & 0o007).toBe(0);
    expect(existsSync(`${path(bed.name)}.tmp`)).toBe(false);
    const text = readFileSync(path(bed.name), "utf8");
    expect(text).toContain(
      "Address = 10.0.0.1/24\nAddress = fd00::1/64\nAddress = fe80::77/64\nDNS = 10.0.0.53\nDNS = fd00::53\nDNS = corp.example\n",
    );
    expect(text).toMatch(/ListenPort = \d+\nPrivateKey = \S{44}\n/);

    const down = await run("down");
    expect(down.code).toBe(0);
    expect(settings().slice(-2)).toEqual(["dns ipv4 servers  search ", "dns ipv6 servers  search "]);
    expect(await session.ask(bed.name, "get=1\n\n")).toBe("ENOENT");
    const nothing = await run("down");
    expect(nothing.code).toBe(1);
    expect(linesOf(nothing)[0]).toMatch(/is not a WireGuard interface that is up/);
  },
);

test("a peer is not followed to where routes lead into the tunnel", async (ctx) => {
  // As that of loopback.
  const known = "outside\nouter 4294967295\n";
  const { bed, file, settings } = await up(ctx, { known, ofPeer: "AllowedIPs = 10.0.0.2/32, 127.0.0.0/8" });
  expect(bed.daemon.code).toBe(0);
  expect(mtusOf(settings())).toEqual(["ipv4 mtu 1420", "ipv6 mtu 1420"]);
  await bed.pingFromFar(1);
  const before = bed.far.listenPort;
  const endpoint = async () => /endpoint=(.*)/.exec(await bed.get())?.[1];
  const moveAndSpeak = async (sequence: number): Promise<void> => {
    await bed.far.listen(0);
    bed.sendFar(echo(ECHO.request, "far", sequence));
    expect(await bed.nextNear()).toSatisfy(isEcho(ECHO.request, "far", sequence));
  };
  tellStandIn(file, "inside 127.0.0.1\n");
  await moveAndSpeak(2);
  expect(await endpoint()).toBe(`127.0.0.1:${before}`);
  tellStandIn(file, "");
  await moveAndSpeak(3);
  expect(await endpoint()).toBe(`127.0.0.1:${bed.far.listenPort}`);
});

test("with a default route into the tunnel its datagrams leave by another, or not at all", async (ctx) => {
  const session = suite.session(ctx);
  const file = settingsOf("routes");
  const all = "route 0.0.0.0/0 by 0.0.0.0 metric 0\n";
  tellStandIn(file, `outside\n${all}`);
  const variables = { WASMGUARD_IP_HELPER: windowsPath(file) };
  const bed = suite.use(ctx, await WintunBed.open(session, suite.dll, [], variables));
  await bed.daemon.writes(/IPv4: the tunnel takes the default route, datagrams leave by interface \d+/);
  await bed.pingFromNear(1);
  tellStandIn(file, all);
  await bed.daemon.writes(/IPv4: all routes lead into the tunnel, so nothing is sent outside/);
  // As Windows tells of routes of both families; the look of each second is there besides.
  await bed.daemon.writes(/routes of this machine changed: sources are chosen anew/);
  bed.sendNear(echo(ECHO.request, "near", 2));
  await bed.daemon.writes(/that the system refused to send/);
  tellStandIn(file, "");
  await bed.daemon.writes(/IPv4: datagrams leave where routes lead/);
  // The next one that comes is this.
  await bed.pingFromNear(3);
});

test("what the system refuses ends `up` with one line, and the daemon with it", async (ctx) => {
  const { session, bed } = await up(ctx, { variables: { WASMGUARD_IP_HELPER_ERROR: "5" } });
  expect(bed.daemon.code).toBe(1);
  expect(linesOf(bed.daemon).at(-1)).toMatch(
    /lets only administrators set up network interfaces\. Start it from a terminal/,
  );
  expect(await session.ask(bed.name, "get=1\n\n")).toBe("ENOENT");
});

test("hooks run only when the command line says so", MANY_STARTS, async (ctx) => {
  const ofInterface = 'PreUp = echo in %i> "%CONFIG_FILE%.pre"\nPostDown = echo "%INTERFACE%"> "%CONFIG_FILE%.post"';
  const refused = await up(ctx, { ofInterface });
  expect(refused.bed.daemon.code).toBe(1);
  expect(linesOf(refused.bed.daemon)).toEqual([
    expect.stringMatching(/has PreUp, PostDown, and .*--hooks skip; .*--hooks run/),
  ]);
  expect(refused.settings()).toEqual([]);

  const variables = { COMSPEC: "C:\\anybody\\cmd.exe" };
  const known = "outside\nouter 1300\n";
  const { bed, run, settings } = await up(ctx, { known, ofInterface, options: ["--hooks", "skip"], variables });
  expect(bed.daemon.code).toBe(0);
  // IPv6 does not work with less.
  expect(mtusOf(settings())).toEqual(["ipv4 mtu 1220", "ipv6 mtu 1280"]);
  expect(bed.daemon.output).toContain("that was skipped");
  expect(existsSync(`${path(bed.name)}.pre`)).toBe(false);
  expect((await run("down", "--hooks", "run")).code).toBe(0);
  expect(readFileSync(`${path(bed.name)}.post`, "utf8").trim()).toBe(`"${bed.name}"`);
});
