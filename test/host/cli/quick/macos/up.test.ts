// `up`, `down` and `save` on a Mac of the stand-in, with the daemon's whole driver behind them: never run on a Mac.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeDown } from "../../../../../host/cli/quick/down.ts";
import { openConfigFile } from "../../../../../host/cli/quick/file.ts";
import { giveUp, look } from "../../../../../host/cli/quick/macos/follower.ts";
import { MacosQuick } from "../../../../../host/cli/quick/macos/system.ts";
import { saveConfig } from "../../../../../host/cli/quick/save.ts";
import { bringUp } from "../../../../../host/cli/quick/up.ts";
import { Mac } from "../../../../support/darwin/mac.ts";
import { Network } from "../../../../support/darwin/network.ts";
import { MacPrograms, type RouteEntry } from "../../../../support/darwin/programs.ts";
import { Daemon, newKeys, until } from "../../../os/macos/support/bed.ts";

const GATEWAY = "192.168.1.1";
const GATEWAY6 = "fe80::1%en0";
const ENDPOINT = "198.51.100.7";
const ENDPOINT6 = "2001:db8::7";
const KEY = Buffer.from(newKeys().private, "hex").toString("base64");
const PEERS = [0, 1].map(() => Buffer.from(newKeys().public, "hex").toString("base64"));

let folder: string;
let mac: Mac;
let programs: MacPrograms;
let daemon: Daemon | undefined;
let server: Server | undefined;
let followed: string[];

/** What the daemon answers in the stand-in's memory, at a real socket, where `up` asks; whoever removes that has removed both. */
async function serve(started: Daemon): Promise<void> {
  server = createServer({ allowHalfOpen: true }, (client) => {
    let request = "";
    client.setEncoding("latin1").on("data", async (text: string) => {
      request += text;
      if (request.endsWith("\n\n")) client.end(await started.ask(request), "latin1");
    });
  });
  await new Promise<void>((resolve) => server!.listen(started.socket, resolve));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-up-macos-"));
  process.env.WASMGUARD_SOCKET_DIR = folder;
  mac = new Mac(new Network(), { addresses: ["192.0.2.1"], taken: [0, 1] });
  mac.folders.add(folder);
  followed = [];
  programs = new MacPrograms(mac, async (options) => {
    expect(options).toEqual(["--no-confine"]);
    daemon = await Daemon.start(mac, { nameFile: process.env.WG_TUN_NAME_FILE! });
    await serve(daemon);
  });
  programs.setGateway("inet", GATEWAY);
  programs.routes.inet6.push({ destination: "default", gateway: "fe80::%utun0", flags: "UGcIg", device: "lo0" });
  programs.services.set("Wi-Fi", { servers: [], search: ["lan", "home"], state: "on" });
  programs.services.set("USB 10/100 LAN", { servers: ["192.168.1.1", "fd00::1"], search: [], state: "off" });
});

afterEach(async () => {
  if (daemon !== undefined && mac.interfaces.length > 1) await daemon.stop();
  daemon = undefined;
  server?.close();
  server = undefined;
  delete process.env.WASMGUARD_SOCKET_DIR;
  rmSync(folder, { recursive: true });
});

function config(text: string) {
  const path = join(folder, "office.conf");
  writeFileSync(path, text, { mode: 0o600 });
  return openConfigFile(path);
}

/** One for each command, as in life. */
function quick(): MacosQuick {
  return new MacosQuick(programs, async (name) => {
    followed.push(name);
  });
}

async function up(text: string): Promise<void> {
  const file = config(text);
  await bringUp(quick(), file).finally(() => file.close());
}

/** The daemon goes with its socket, of which the stand-in is told here. */
async function leave(): Promise<void> {
  const { socket, ended } = daemon!;
  server?.close();
  mac.removeFile(socket);
  await ended;
}

async function down(text: string): Promise<void> {
  const file = config(text);
  const socket = daemon?.socket;
  const left = socket === undefined ? undefined : until("the end of the socket", () => !existsSync(socket)).then(leave);
  await takeDown(quick(), file).finally(() => file.close());
  await left;
}

const routesOf = (family: "inet" | "inet6"): string[] =>
  programs.present(family).map(({ destination, gateway }: RouteEntry) => `${destination} ${gateway}`);

const leftovers = (): string[] => readdirSync(folder).filter((name) => name !== "office.conf");

const INTERFACE = `[Interface]\nPrivateKey = ${KEY}\nListenPort = 51820\nAddress = 10.7.0.1/24, fd07::1/64\n`;
const peer = (number: number, endpoint: string, allowed: string): string =>
  `[Peer]\nPublicKey = ${PEERS[number]}\nEndpoint = ${endpoint}\nAllowedIPs = ${allowed}\n`;
const SOME = `${INTERFACE}${peer(0, `${ENDPOINT}:51820`, "10.7.0.0/24, 10.8.0.0/16, fd07::/64")}`;
const ALL = `${INTERFACE}DNS = 10.7.0.53, fd07::53, corp.example\n${peer(0, `${ENDPOINT}:51820`, "0.0.0.0/0, ::/0")}`;

test("up sets what wg-quick sets, in its words and its order, and down leaves nothing", async () => {
  const before = programs.present("inet");
  await up(SOME);
  expect(programs.changes).toEqual([
    "ifconfig utun2 inet 10.7.0.1/24 10.7.0.1 alias",
    "ifconfig utun2 inet6 fd07::1/64 alias",
    "ifconfig utun2 up",
    "route -q -n add -inet6 fd07::/64 -interface utun2",
    "route -q -n add -inet 10.7.0.0/24 -interface utun2",
    "route -q -n add -inet 10.8.0.0/16 -interface utun2",
  ]);
  expect(daemon!.utun.device).toMatchObject({ up: true, mtu: 1420 });
  expect(await daemon!.get("endpoint")).toBe(`${ENDPOINT}:51820`);
  expect(readFileSync(join(folder, "office.name"), "utf8")).toBe("utun2\n");
  // Nothing of it needs anybody in the background.
  expect(followed).toEqual([]);
  await down(SOME);
  expect(mac.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  expect(programs.present("inet")).toEqual(before);
  expect(leftovers()).toEqual([]);
});

test("hooks are told the name that the system chose, and a second up that it is there", async () => {
  const seen = join(folder, "seen");
  await up(`${SOME.replace("[Peer]", `PreUp = echo %i $INTERFACE > ${seen}\n[Peer]`)}`);
  expect(readFileSync(seen, "utf8")).toBe("utun2 utun2\n");
  await expect(up(SOME)).rejects.toThrow("office already exists as utun2");
  expect(daemon!.utun.device.up).toBe(true);
});

test("a default route is two halves, and endpoints and DNS servers get what was there before", async () => {
  await up(ALL);
  expect(routesOf("inet")).toEqual([
    `default ${GATEWAY}`,
    `${ENDPOINT} ${GATEWAY}`,
    "0.0.0.0/1 utun2",
    "128.0.0.0/1 utun2",
  ]);
  expect(routesOf("inet6")).toEqual(["default fe80::%utun0", "::/1 utun2", "8000::/1 utun2"]);
  const routes = programs.changes.filter((line) => line.startsWith("route"));
  // Never would the tunnel's own packets have gone into it.
  expect(routes.indexOf(`route -q -n add -inet ${ENDPOINT} -gateway ${GATEWAY}`)).toBeLessThan(
    routes.indexOf("route -q -n add -inet 0.0.0.0/1 -interface utun2"),
  );
  for (const service of programs.services.values()) {
    expect(service).toMatchObject({ servers: ["10.7.0.53", "fd07::53"], search: ["corp.example"] });
  }
  expect(followed).toEqual(["office"]);
  await down(ALL);
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(routesOf("inet6")).toEqual(["default fe80::%utun0"]);
  expect(programs.services.get("Wi-Fi")).toMatchObject({ servers: [], search: ["lan", "home"] });
  expect(programs.services.get("USB 10/100 LAN")).toMatchObject({ servers: ["192.168.1.1", "fd00::1"], search: [] });
  expect(leftovers()).toEqual([]);
  expect(await look(programs, "office")).toBe("over");
});

describe("while the tunnel is up", () => {
  const BOTH = `${INTERFACE}${peer(0, `${ENDPOINT}:51820`, "0.0.0.0/0, ::/0")}${peer(1, `[${ENDPOINT6}]:51820`, "10.9.0.0/16")}`;

  test("endpoints follow the gateway, and lead nowhere while there is none", async () => {
    await up(BOTH);
    const way = (family: "inet" | "inet6", endpoint: string): string | undefined =>
      programs.present(family).find(({ destination }) => destination === endpoint)?.gateway;
    expect([way("inet", ENDPOINT), way("inet6", ENDPOINT6)]).toEqual([GATEWAY, "::1"]);
    programs.setGateway("inet", "10.20.0.1");
    programs.setGateway("inet6", GATEWAY6);
    expect(await look(programs, "office")).toBe("on");
    expect([way("inet", ENDPOINT), way("inet6", ENDPOINT6)]).toEqual(["10.20.0.1", GATEWAY6]);
    programs.setGateway("inet", undefined);
    await look(programs, "office");
    expect(way("inet", ENDPOINT)).toBe("127.0.0.1");
    await down(BOTH);
    expect([way("inet", ENDPOINT), way("inet6", ENDPOINT6)]).toEqual([undefined, undefined]);
  });

  test("and the tunnel when it has others", async () => {
    await up(BOTH);
    const key = Buffer.from(PEERS[0]!, "base64").toString("hex");
    expect(await daemon!.set([`public_key=${key}`, "endpoint=203.0.113.9:51820"])).toBe(0);
    await look(programs, "office");
    expect(routesOf("inet")).toContain(`203.0.113.9 ${GATEWAY}`);
    expect(routesOf("inet").join()).not.toContain(ENDPOINT);
  });

  test("the MTU follows that of the way out, unless one was given", async () => {
    await up(ALL);
    mac.configure("en0", { mtu: 9000 });
    await look(programs, "office");
    expect(daemon!.utun.device.mtu).toBe(8920);
    await down(ALL);
    const given = ALL.replace("DNS", "MTU = 1280\nDNS");
    await up(given);
    await look(programs, "office");
    expect(daemon!.utun.device.mtu).toBe(1280);
  });

  test("a network service that is new gets the tunnel's DNS servers, and its own back", async () => {
    await up(ALL);
    programs.services.set("iPhone USB", { servers: ["172.20.10.1"], search: [], state: "on" });
    await look(programs, "office");
    expect(programs.services.get("iPhone USB")!.servers).toEqual(["10.7.0.53", "fd07::53"]);
    programs.changes.length = 0;
    await look(programs, "office");
    // Whoever changes nothing makes no news.
    expect(programs.changes).toEqual([]);
    await down(ALL);
    expect(programs.services.get("iPhone USB")!.servers).toEqual(["172.20.10.1"]);
  });

  test("whoever follows and is told to end puts DNS back, and leaves routes to down", async () => {
    await up(ALL);
    await giveUp(programs, "office");
    expect(programs.services.get("Wi-Fi")!.search).toEqual(["lan", "home"]);
    expect(routesOf("inet")).toContain(`${ENDPOINT} ${GATEWAY}`);
    await down(ALL);
    expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  });
});

test("a daemon that ends by itself is cleaned up after by whoever follows", async () => {
  await up(ALL);
  await leave();
  expect(await look(programs, "office")).toBe("over");
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(programs.services.get("Wi-Fi")).toMatchObject({ servers: [], search: ["lan", "home"] });
});

test("or by down, where nobody followed, and by the next up", async () => {
  for (const next of [down, up]) {
    await up(ALL);
    await leave();
    daemon = undefined;
    await next(ALL);
    expect(programs.services.get("USB 10/100 LAN")!.servers).toEqual(
      next === up ? ["10.7.0.53", "fd07::53"] : ["192.168.1.1", "fd00::1"],
    );
  }
  await down(ALL);
  expect(programs.services.get("USB 10/100 LAN")!.servers).toEqual(["192.168.1.1", "fd00::1"]);
});

test.each([
  ["an address", "ifconfig utun2 inet6"],
  ["the second half of a default route", "route -q -n add -inet6 8000::/1"],
])("when %s is refused, all is undone", async (_, fails) => {
  programs.fails = fails;
  const left = until("the daemon", () => daemon).then(() =>
    until("the end of its socket", () => !existsSync(daemon!.socket)).then(leave),
  );
  await expect(up(ALL)).rejects.toThrow();
  await left;
  expect(mac.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  expect(routesOf("inet")).toEqual([`default ${GATEWAY}`]);
  expect(programs.services.get("Wi-Fi")).toMatchObject({ servers: [], search: ["lan", "home"] });
  expect(leftovers()).toEqual([]);
  expect(followed).toEqual([]);
});

test("a table that macOS has not is refused before anything is touched", async () => {
  await expect(up(SOME.replace("[Peer]", "Table = 777\n[Peer]"))).rejects.toThrow("macOS has no routing table 777");
  expect([daemon, programs.changes]).toEqual([undefined, []]);
});

test("routes of older releases are read alike", async () => {
  programs.columns = "old";
  mac.configure("en0", { mtu: 1492 });
  await up(ALL);
  expect(routesOf("inet")).toContain(`${ENDPOINT} ${GATEWAY}`);
  expect(daemon!.utun.device.mtu).toBe(1412);
});

test("save keeps masks and what wg-quick's keys say, and no address that the system gave", async () => {
  const text = ALL.replace("fd07::1/64", "fd07::1/64, 10.9.9.9/32").replace("DNS", "MTU = 1280\nDNS");
  await up(text);
  const file = config(text);
  await saveConfig(quick(), { config: file, interfaceName: "utun2" });
  file.close();
  const saved = readFileSync(join(folder, "office.conf"), "utf8");
  expect(saved.match(/^(Address|DNS|MTU) = .*$/gm)).toEqual([
    "Address = 10.7.0.1/24",
    "Address = fd07::1/64",
    "Address = 10.9.9.9/32",
    "DNS = 10.7.0.53",
    "DNS = fd07::53",
    "DNS = corp.example",
    "MTU = 1280",
  ]);
  expect(saved).toContain(`Endpoint = ${ENDPOINT}:51820`);
});
