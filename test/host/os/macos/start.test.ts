// How the daemon for macOS starts, and what keeps it from starting, against a stand-in for its kernel.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { STEPS } from "../../../../host/confine/steps.ts";
import { WasmguardError } from "../../../../host/errors.ts";
import { Mac, type MacOptions } from "../../../support/darwin/mac.ts";
import { Network } from "../../../support/darwin/network.ts";
import { UnixListenerFile } from "../../../support/darwin/unix-sockets.ts";
import { Daemon, newKeys, pause, type StartOptions, until } from "./support/bed.ts";

const ADDRESS = "192.0.2.1";
const FOLDER = "/var/run/wireguard";

let network: Network;
const running: Daemon[] = [];
let directory: string;

beforeEach(() => {
  network = new Network();
  directory = mkdtempSync(join(tmpdir(), "wasmguard-macos-"));
});
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
  rmSync(directory, { recursive: true });
});

function mac(options: Partial<MacOptions> = {}): Mac {
  return new Mac(network, { addresses: [ADDRESS], ...options });
}

async function start(on: Mac, options: StartOptions = {}): Promise<Daemon> {
  const daemon = await Daemon.start(on, options);
  running.push(daemon);
  return daemon;
}

/** @returns the error's code, and its next step */
async function refusal(on: Mac, options: StartOptions = {}): Promise<[code: string, nextStep: string]> {
  try {
    await start(on, options);
  } catch (error) {
    if (error instanceof WasmguardError) return [error.code, error.nextStep];
    throw error;
  }
  throw new Error("it started");
}

test("utun is the first one that is free, and its name is written where wg-quick looks for it", async () => {
  const nameFile = join(directory, "wg0.name");
  const daemon = await start(mac({ taken: [0, 1, 3] }), { nameFile });
  expect(daemon.utun.device.name).toBe("utun2");
  expect(readFileSync(nameFile, "utf8")).toBe("utun2\n");
  expect(statSync(nameFile).mode & 0o777).toBe(0o400);
  expect(daemon.utun.device).toMatchObject({ mtu: 1420, up: false });
  expect(daemon.mac.files.has(`${FOLDER}/utun2.sock`)).toBe(true);
});

test("a number that is asked for is had", async () => {
  expect((await start(mac(), { interfaceName: "utun7" })).utun.device.name).toBe("utun7");
});

test.each(["wg0", "utun07", "utun-1", "utunx", "utun 1", "utun99999", "UTUN1", "en0"])(
  "%j is no name for a device there, which one line says",
  async (interfaceName) => {
    const on = mac();
    const [code, nextStep] = await refusal(on, { interfaceName });
    expect(code).toBe("TUN_NAME");
    expect(nextStep).toContain("utun");
    expect(on.interfaces.length).toBe(1);
  },
);

test("a number that somebody has, and a user without the right, are told", async () => {
  expect(await refusal(mac({ taken: [7] }), { interfaceName: "utun7" })).toMatchObject(["TUN_BUSY", /utun/]);
  expect(await refusal(mac({ user: "other" }))).toMatchObject(["TUN_PERMISSION", /root/]);
});

test("a device that could not be served is gone again, with every descriptor", async () => {
  const on = mac();
  on.folders.delete("/var/run");
  expect((await refusal(on))[0]).toBe("SOCKET_DIRECTORY");
  expect(on.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  expect([on.routeSockets.size, on.udpSockets.size]).toEqual([0, 0]);
});

test("a socket that somebody answers on is left alone, one that nobody does is replaced", async () => {
  const on = mac();
  on.folders.add(FOLDER);
  const other = new UnixListenerFile(on);
  other.bind(`${FOLDER}/utun0.sock`, 0o077);
  other.listens = true;
  expect((await refusal(on))[0]).toBe("SOCKET_IN_USE");
  other.close();
  const daemon = await start(on);
  expect(on.files.get(daemon.socket)).not.toBe(other);
  expect((on.files.get(daemon.socket) as UnixListenerFile).mode).toBe(0o700);
});

test("a file that is no socket is left alone", async () => {
  const on = mac();
  on.folders.add(FOLDER);
  on.addFile(`${FOLDER}/utun0.sock`, "other");
  expect((await refusal(on))[0]).toBe("EADDRINUSE");
});

test("whoever wants it confined hears that nothing of it is there, and may allow that", async () => {
  const on = mac();
  const confinement = { socketRights: "keep", mayFail: [] } as const;
  expect((await refusal(on, { confinement }))[0]).toBe("CONFINEMENT");
  expect(on.interfaces.map(({ name }) => name)).toEqual(["en0"]);
  const daemon = await start(mac(), { confinement: { ...confinement, mayFail: STEPS } });
  expect(daemon.errors.length).toBe(STEPS.length);
});

test("keys are locked as far as may be", async () => {
  const on = mac();
  on.lockableBytes = 2 << 20;
  const daemon = await start(on);
  expect(daemon.process.locked).toBeGreaterThan(0);
  expect(daemon.process.coreLimit).toBe(0);
  const statistics = await daemon.ask("statistics=1\n\n");
  expect(statistics).toMatch(/locked/);
});

test("what is set is what is told", async () => {
  const daemon = await start(mac());
  const [own, peer] = [newKeys(), newKeys()];
  const endpoint = "[fe80::1%en0]:4711";
  const lines = [`private_key=${own.private}`, "listen_port=4700", `public_key=${peer.public}`];
  expect(await daemon.set([...lines, `endpoint=${endpoint}`, "persistent_keepalive_interval=25"])).toBe(0);
  expect(await daemon.get("private_key")).toBe(own.private);
  expect(await daemon.get("listen_port")).toBe("4700");
  expect(await daemon.get("public_key")).toBe(peer.public);
  expect(await daemon.get("endpoint")).toBe(endpoint);
  expect(await daemon.get("persistent_keepalive_interval")).toBe("25");
});

test("a port that is taken, or a mark, is refused, and all is as before", async () => {
  const on = mac();
  const first = await start(on);
  const second = await start(on, { interfaceName: "utun5" });
  expect(await first.set(["listen_port=4700"])).toBe(0);
  const ask = (request: string): Promise<string> =>
    Daemon.prototype.ask.call({ process: second.process, socket: `${FOLDER}/utun5.sock` }, request);
  expect(await ask("set=1\nlisten_port=4700\n\n")).toContain("errno=-98");
  expect(second.errors.join()).toContain("4700");
  expect(await ask("set=1\nfwmark=1\n\n")).toContain("errno=-98");
  expect(second.errors.join()).toContain("macOS has no marks");
  expect(await ask("get=1\n\n")).not.toContain("fwmark");
});

test("eight clients and more are served, and one that leaves in the midst harms nobody", async () => {
  const daemon = await start(mac());
  const idle = Array.from({ length: 12 }, () => daemon.process.dial(daemon.socket));
  for (const client of idle) client.send("get=");
  idle[3]!.leave();
  expect(await daemon.get("errno")).toBe("0");
  for (const client of idle) client.leave();
  await until("closed connections", () => idle.every(({ closed }) => closed));
});

test("an answer of many pieces comes whole to one who reads slowly", async () => {
  const daemon = await start(mac());
  const peers = Array.from({ length: 200 }, () => newKeys().public);
  expect(await daemon.set(peers.map((key) => `public_key=${key}`))).toBe(0);
  const client = daemon.process.dial(daemon.socket);
  client.send("get=1\n\n");
  await pause(20);
  let answer = "";
  await until("the answer", () => {
    answer += client.take();
    return answer.endsWith("errno=0\n\n");
  });
  client.leave();
  expect([...answer.matchAll(/^public_key=(.*)$/gm)].map(([, key]) => key)).toEqual(peers);
});

test("it ends with its socket, and with its interface", async () => {
  const first = await Daemon.start(mac());
  first.mac.removeFile(first.socket);
  await first.ended;
  const second = await Daemon.start(mac());
  second.mac.removeInterface(second.utun.device);
  await second.ended;
  for (const { process } of [first, second]) expect(process.descriptors.size).toBe(0);
});

test("without a descriptor for another client, clients wait, and are served when there is one", async () => {
  const daemon = await start(mac());
  const { process } = daemon;
  process.descriptorsMax = process.descriptors.size;
  const client = process.dial(daemon.socket);
  client.send("get=1\n\n");
  await until("a line of the log", () => daemon.errors.some((line) => /clients must wait: .*EMFILE/.test(line)));
  expect(client.take()).toBe("");
  process.descriptorsMax += 1;
  let answer = "";
  await until("an answer", () => {
    answer += client.take();
    return answer.endsWith("errno=0\n\n");
  });
  client.leave();
  expect(daemon.errors.length).toBe(1);
});
