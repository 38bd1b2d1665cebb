/** A Mac of the stand-in, and on it `up` and `down` for the configuration "office", with the daemon's whole driver behind them. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { takeDown } from "../../../../../../host/cli/quick/down.ts";
import { openConfigFile } from "../../../../../../host/cli/quick/file.ts";
import { MacosQuick } from "../../../../../../host/cli/quick/macos/system.ts";
import { bringUp } from "../../../../../../host/cli/quick/up.ts";
import { Mac } from "../../../../../support/darwin/mac.ts";
import { Network } from "../../../../../support/darwin/network.ts";
import { MacPrograms, type RouteEntry } from "../../../../../support/darwin/programs.ts";
import { Daemon, newKeys, until } from "../../../../os/macos/support/bed.ts";

export const GATEWAY = "192.168.1.1";
export const GATEWAY6 = "fe80::1%en0";
export const ENDPOINT = "198.51.100.7";
export const ENDPOINT6 = "2001:db8::7";
const KEY = Buffer.from(newKeys().private, "hex").toString("base64");
export const PEERS = [0, 1].map(() => Buffer.from(newKeys().public, "hex").toString("base64"));

export let folder: string;
export let mac: Mac;
export let programs: MacPrograms;
export let daemon: Daemon | undefined;
let server: Server | undefined;
export let followed: string[];

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

export function useMac(): void {
  beforeEach(setUp);
  afterEach(cleanUp);
}

function setUp(): void {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-up-macos-"));
  process.env.WASMGUARD_SOCKET_DIR = folder;
  mac = new Mac(new Network(), { addresses: ["192.0.2.1"], taken: [0, 1] });
  mac.folders.add(folder);
  followed = [];
  programs = new MacPrograms(mac, async (options) => {
    expect(options).toEqual(["--no-confine"]);
    daemon = await Daemon.start(mac, { nameFile: process.env.WG_TUN_NAME_FILE! });
    await serve(daemon);
    programs.started();
  });
  programs.setGateway("inet", GATEWAY);
  programs.routes.inet6.push({ destination: "default", gateway: "fe80::%utun0", flags: "UGcIg", device: "lo0" });
  programs.services.set("Wi-Fi", { servers: [], search: ["lan", "home"], state: "on" });
  programs.services.set("USB 10/100 LAN", { servers: ["192.168.1.1", "fd00::1"], search: [], state: "off" });
}

async function cleanUp(): Promise<void> {
  if (daemon !== undefined && mac.interfaces.length > 1) await daemon.stop();
  daemon = undefined;
  server?.close();
  server = undefined;
  delete process.env.WASMGUARD_SOCKET_DIR;
  rmSync(folder, { recursive: true });
}

export function config(text: string | Uint8Array) {
  const path = join(folder, "office.conf");
  writeFileSync(path, text, { mode: 0o600 });
  return openConfigFile(path);
}

/** One for each command, as in life. */
export function quick(): MacosQuick {
  return new MacosQuick(programs, async (name) => {
    followed.push(name);
  });
}

export async function up(text: string): Promise<void> {
  const file = config(text);
  await bringUp(quick(), file).finally(() => file.close());
}

/** The daemon goes with its socket, of which the stand-in is told here. */
export async function leave(): Promise<void> {
  const { socket, ended } = daemon!;
  server?.close();
  mac.removeFile(socket);
  await ended;
  daemon = undefined;
}

export async function down(text: string): Promise<void> {
  const file = config(text);
  const socket = daemon?.socket;
  const left = socket === undefined ? undefined : until("the end of the socket", () => !existsSync(socket)).then(leave);
  await takeDown(quick(), file).finally(() => file.close());
  await left;
}

/** Whatever it started ends. */
export async function upInVain(text: string, message?: string): Promise<void> {
  const left = until("the daemon", () => daemon).then(() =>
    until("the end of its socket", () => !existsSync(daemon!.socket)).then(leave),
  );
  await expect(up(text)).rejects.toThrow(message);
  await left;
}

export const routesOf = (family: "inet" | "inet6"): string[] =>
  programs.present(family).map(({ destination, gateway }: RouteEntry) => `${destination} ${gateway}`);

export const leftovers = (): string[] => readdirSync(folder).filter((name) => name !== "office.conf");

export const INTERFACE = `[Interface]\nPrivateKey = ${KEY}\nListenPort = 51820\nAddress = 10.7.0.1/24, fd07::1/64\n`;
export const peer = (number: number, endpoint: string, allowed: string): string =>
  `[Peer]\nPublicKey = ${PEERS[number]}\nEndpoint = ${endpoint}\nAllowedIPs = ${allowed}\n`;
export const SOME = `${INTERFACE}${peer(0, `${ENDPOINT}:51820`, "10.7.0.0/24, 10.8.0.0/16, fd07::/64")}`;
export const ALL = `${INTERFACE}DNS = 10.7.0.53, fd07::53, corp.example\n${peer(0, `${ENDPOINT}:51820`, "0.0.0.0/0, ::/0")}`;
