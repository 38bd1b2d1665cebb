/** What a device tells of its peers and of itself, while time is the test's. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../../host/engine/engine.ts";
import {
  Device,
  type DeviceEvents,
  type DeviceOptions,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  publicKeyOf,
  type TunEnd,
  tunPair,
} from "../../../host/index.ts";
import { endpoint, MemoryBind } from "./memory-bind.ts";
import { packet, SMALL } from "./support.ts";

const KEYS = [generatePrivateKey(), generatePrivateKey()] as const;

interface Station {
  readonly device: Device;
  readonly bind: MemoryBind;
  readonly host: TunEnd;
}

async function station(own: 0 | 1, options: Partial<DeviceOptions> = {}, change: object = {}): Promise<Station> {
  const [tun, host] = tunPair();
  const bind = new MemoryBind();
  const other = { publicKey: publicKeyOf(KEYS[1 - own]!), allowedIps: [`10.0.0.${2 - own}`], endpoint: "192.0.2.1:1" };
  const peers = [{ ...other, ...change }];
  const device = await Device.create({ privateKey: KEYS[own], tun, bind, limits: SMALL, peers, ...options });
  await device.start();
  return { device, bind, host };
}

/** Let time pass. */
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(1000 * seconds);

/** Carry what was sent, either way, until nothing more is. */
async function carry(left: Station, right: Station, port = 1): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const sent = [left.bind.sent.splice(0), right.bind.sent.splice(0)];
    for (const { bytes } of sent[0]!) right.bind.events!.receive(bytes, endpoint(port));
    for (const { bytes } of sent[1]!) left.bind.events!.receive(bytes, endpoint(2));
    await pass(0.002);
    quiet = sent.some(({ length }) => length > 0) ? 0 : quiet + 1;
  }
}

function note(device: Device, ...types: (keyof DeviceEvents)[]): string[] {
  const told: string[] = [];
  for (const type of types) device.on(type, () => told.push(type));
  return told;
}

const ALL = ["handshakeStarted", "handshake", "handshakeFailed", "silent", "back", "endpoint", "socket"] as const;
const toLeft = packet({ address: 2 }, { address: 1 }, new Uint8Array(10));
const toRight = packet({ address: 1 }, { address: 2 }, new Uint8Array(10));

let open: Device[] = [];
beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.map((device) => device.close()));
  open = [];
});

async function pair(options: Partial<DeviceOptions> = {}): Promise<[Station, Station]> {
  const stations: [Station, Station] = [await station(0, options), await station(1)];
  open = stations.map(({ device }) => device);
  return stations;
}

describe("a device tells", () => {
  it("a handshake from its start, a peer that falls silent, and its return", async () => {
    const [left, right] = await pair();
    const told = note(left.device, ...ALL);
    left.host.write(toRight);
    await carry(left, right);
    expect(told).toEqual(["handshakeStarted", "endpoint", "handshake"]);
    left.host.write(toRight);
    await pass(20);
    expect(told.slice(3, 5)).toEqual(["silent", "handshakeStarted"]);
    expect(told.filter((type) => type === "silent")).toHaveLength(1);
    left.bind.sent.length = 0;
    right.host.write(toLeft);
    await carry(left, right);
    expect(told).toContain("back");
  });

  it("that a handshake got no answer, and why", async () => {
    const { device, host, bind } = await station(0);
    open = [device];
    const failures: unknown[] = [];
    const attempts: number[] = [];
    device.on("handshakeFailed", ({ reason, cause }) => failures.push([reason, cause]));
    device.on("handshakeStarted", ({ attempt }) => attempts.push(attempt));
    host.write(toRight);
    await pass(110);
    expect(failures).toEqual([["no answer", undefined]]);
    expect(attempts.slice(0, 3)).toEqual([1, 2, 3]);
    bind.answer = new Error("no route");
    device.on("error", () => {});
    host.write(toRight);
    await pass(110);
    expect(failures[1]).toEqual(["cannot send", bind.answer]);
    const nowhere = await station(0, {}, { endpoint: undefined, persistentKeepalive: 25 });
    open.push(nowhere.device);
    nowhere.device.on("handshakeFailed", ({ reason }) => failures.push(reason));
    await pass(110);
    expect(failures[2]).toBe("no endpoint");
  });

  it("that a peer roams, once for each address", async () => {
    const [left, right] = await pair();
    left.host.write(toRight);
    await carry(left, right);
    const told: string[] = [];
    right.device.on("endpoint", (event) => told.push(event.endpoint));
    for (const port of [7, 7, 8]) {
      left.host.write(toRight);
      await carry(left, right, port);
    }
    expect(told).toEqual(["192.0.2.1:7", "192.0.2.1:8"]);
  });

  it("the bytes of a peer as they change, once a second at most and only while someone listens", async () => {
    const [left, right] = await pair();
    left.host.write(toRight);
    await carry(left, right);
    const before = vi.getTimerCount();
    const told: DeviceEvents["traffic"][] = [];
    const end = left.device.on("traffic", (event) => told.push(event));
    await pass(3);
    expect(told).toEqual([]);
    for (let i = 0; i < 5; i++) left.host.write(toRight);
    await pass(3);
    const { txBytes, rxBytes, publicKey } = left.device.statistics().peers[0]!;
    expect(told).toEqual([{ publicKey, txBytes, rxBytes }]);
    end();
    expect(vi.getTimerCount()).toBeLessThanOrEqual(before);
  });

  it("all of that in lines for its debug hook, without a secret", async () => {
    const presharedKey = generatePresharedKey();
    const lines: string[] = [];
    const [left, right] = await pair({ debug: (line) => void lines.push(line) });
    for (const [index, { device }] of [left, right].entries()) {
      device.updatePeer(publicKeyOf(KEYS[1 - index]!), { presharedKey });
    }
    left.host.write(toRight);
    await carry(left, right);
    await left.device.close();
    const text = lines.join("\n");
    const key = formatPublicKey(publicKeyOf(KEYS[1]));
    expect(text).toContain(`handshakeStarted, peer ${key}, attempt 1, endpoint 192.0.2.1:1`);
    expect(text).toMatch(/^started, listening on UDP port 4000\n.*\nhandshake, peer .*\nclosed$/s);
    for (const secret of [KEYS[0], presharedKey]) expect(text).not.toContain(Buffer.from(secret).toString("base64"));
  });
});

it("packets do not cost more the more peers there are, whoever listens", async () => {
  const [left, right] = await pair();
  note(left.device, "handshake", "endpoint", "back");
  left.host.write(toRight);
  await carry(left, right);
  const walks = vi.spyOn(Engine.prototype, "peers");
  for (let i = 0; i < 10; i++) {
    left.host.write(toRight);
    right.host.write(toLeft);
    await carry(left, right);
  }
  expect(walks).not.toHaveBeenCalled();
});

describe("an error", () => {
  it("that nobody listens for is a warning of the runtime, once of each kind", async () => {
    const warnings: string[] = [];
    const emit = vi.spyOn(process, "emitWarning").mockImplementation((text) => void warnings.push(String(text)));
    const { device, bind } = await station(0);
    open = [device];
    for (let i = 0; i < 3; i++) bind.events?.failed(new Error("unplugged"));
    await pass(0.1);
    expect(warnings).toEqual([expect.stringContaining("the Bind failed")]);
    const heard: string[] = [];
    device.on("error", ({ code }) => heard.push(code));
    bind.events?.failed(new Error("unplugged"));
    await pass(0.1);
    expect([warnings.length, heard]).toEqual([1, ["BIND"]]);
    emit.mockRestore();
  });
});

describe("a device", () => {
  it("is closed by its signal", async () => {
    const abort = new AbortController();
    const { device, bind, host } = await station(0, { signal: abort.signal });
    abort.abort();
    expect(() => device.publicKey).toThrow("closed");
    await device.close();
    expect([bind.closed, host.write(toRight)]).toEqual([1, false]);
    await expect(station(1, { signal: abort.signal })).rejects.toBe(abort.signal.reason);
  });

  it("hands ref and unref on, and its timers keep nothing alive then", async () => {
    const calls: string[] = [];
    const { device, bind, host } = await station(0);
    open = [device];
    Object.assign(bind, { ref: () => calls.push("ref"), unref: () => calls.push("unref") });
    host.write(toRight);
    await pass(0.1);
    expect(device.unref()).toBe(device);
    device.ref();
    expect(calls).toEqual(["unref", "ref"]);
  });

  it("ends a listener's listening with what `on` returned, and no other's", async () => {
    const { device, bind } = await station(0);
    open = [device];
    const heard: number[] = [];
    const listener = () => heard.push(1);
    const [first] = [device.on("error", listener), device.on("error", listener)];
    first();
    bind.events?.failed(new Error("unplugged"));
    await pass(0.1);
    expect(heard).toEqual([1]);
  });
});
