/** Options whose getters throw, or change and detach what was given with them: a WasmguardError, no half-made device, no key left behind. */
import { describe, expect, it } from "vitest";
import {
  type Bind,
  Device,
  type DeviceOptions,
  generatePresharedKey,
  generatePrivateKey,
  publicKeyOf,
  type Tun,
  tunPair,
  WasmguardError,
} from "../../../host/index.ts";
import { Network } from "../../../host/network/index.ts";
import { MemoryBind, settle } from "./memory-bind.ts";
import { SMALL } from "./support.ts";

const OTHER = publicKeyOf(generatePrivateKey());
const boom = () => {
  throw new Error("boom");
};

const create = (options: object) =>
  Device.create({
    privateKey: generatePrivateKey(),
    tun: tunPair()[0],
    bind: new MemoryBind(),
    limits: SMALL,
    ...options,
  } as DeviceOptions);

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof WasmguardError)) throw error;
    return error.code;
  }
  return "nothing was thrown";
}

const plainTun = (more: object): Tun => ({ open() {}, write: () => true, close() {}, ...more });

/** An object like this one, whose properties throw when they are read. */
const throwing = <T extends object>(object: T, ...names: string[]): T => {
  for (const name of names) Object.defineProperty(object, name, { get: boom, enumerable: true });
  return object;
};

/** Its bytes go elsewhere. */
const detach = (bytes: Uint8Array) => void structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });

describe("a device is refused", () => {
  const cases: [string, object][] = [
    ["null as MTU", { mtu: null }],
    ["a Tun with null as MTU", { tun: plainTun({ mtu: null }) }],
    ["a Tun whose MTU cannot be read", { tun: throwing(plainTun({}), "mtu") }],
    ["a Tun that does not say whether it takes superpackets", { tun: throwing(plainTun({}), "superpackets") }],
    ["a Tun that says so in another way", { tun: plainTun({ superpackets: "yes" }) }],
    ["a Tun that shares in another way", { tun: plainTun({ sharesBuffers: 1 }) }],
    ["a Tun whose `give` is none", { tun: plainTun({ give: true }) }],
    ["a Bind whose `sendTrain` cannot be read", { bind: throwing(new MemoryBind(), "sendTrain") }],
    [
      "a signal that does not listen",
      { signal: { addEventListener: boom, removeEventListener() {}, throwIfAborted() {} } },
    ],
  ];
  it.each(cases)("with %s", async (_name, options) => {
    expect(await codeOf(() => create(options))).toBe("OPTION");
  });
});

describe("keys that are detached while the options are read", () => {
  it("are no keys: the private key", async () => {
    const privateKey = generatePrivateKey();
    const peer = {
      get publicKey() {
        detach(privateKey);
        return OTHER;
      },
      allowedIps: [],
    };
    expect(await codeOf(() => create({ privateKey, peers: [peer] }))).toBe("KEY");
  });

  it("are no keys: the preshared key of an earlier peer", async () => {
    const presharedKey = generatePresharedKey();
    const later = {
      get publicKey() {
        detach(presharedKey);
        return publicKeyOf(generatePrivateKey());
      },
      allowedIps: [],
    };
    const peers = [{ publicKey: OTHER, presharedKey, allowedIps: [] }, later];
    expect(await codeOf(() => create({ peers }))).toBe("KEY");
  });

  it("are no keys: a preshared key beside an endpoint, and the peer is not there", async () => {
    const device = await create({});
    const presharedKey = generatePresharedKey();
    const endpoint = {
      get address() {
        detach(presharedKey);
        return "192.0.2.1";
      },
      port: 1,
    };
    const peer = { publicKey: OTHER, presharedKey, allowedIps: [], endpoint };
    expect(await codeOf(() => device.addPeer(peer))).toBe("KEY");
    expect(device.statistics().peers).toEqual([]);
    await device.close();
  });

  it("have been copied if they are public", async () => {
    const device = await create({});
    const publicKey = OTHER.slice();
    const endpoint = {
      get address() {
        detach(publicKey);
        return "192.0.2.1";
      },
      port: 1,
    };
    device.addPeer({ publicKey, allowedIps: [], endpoint });
    expect(device.peer(OTHER).endpoint).toBe("192.0.2.1:1");
    await device.close();
  });
});

it.each([
  ["Device", Device],
  ["Network", Network],
])("a %s that is made with new says how it is made", (name, made) => {
  const construct = made as unknown as new (options: object) => unknown;
  const expected = { code: "OPTION", nextStep: expect.stringContaining(`${name}.create`) };
  for (const options of [{ privateKey: generatePrivateKey() }, undefined])
    expect(() => new construct(options as object)).toThrow(expect.objectContaining(expected));
});

it("an option that is undefined is absent: a configuration's own counts", async () => {
  const key = Buffer.from(generatePrivateKey()).toString("base64");
  const peer = `[Peer]\nPublicKey = ${Buffer.from(OTHER).toString("base64")}\nEndpoint = localhost:5\n`;
  const text = `[Interface]\nPrivateKey = ${key}\nListenPort = 4567\n${peer}`;
  const none = { listenPort: undefined, mtu: undefined, lookup: undefined, bind: new MemoryBind() };
  const device = await Device.fromConfig(text, { tun: tunPair()[0], ...none });
  // And the name of the endpoint was not refused.
  expect([device.listenPort, device.statistics().peers.length]).toEqual([4567, 1]);
  await device.close();
});

describe("a Tun or a Bind with async methods", () => {
  const packet = Uint8Array.of(0x45, 0, 0, 20, ...new Uint8Array(16));
  const reject = () => Promise.reject(new Error("boom"));

  async function started(options: { tun?: Tun; bind?: Bind }) {
    const peers = [{ publicKey: OTHER, allowedIps: ["0.0.0.0/0"], endpoint: "192.0.2.1:1" }];
    const device = await create({ peers, ...options });
    const errors: string[] = [];
    device.on("error", ({ code, cause }) => errors.push(`${code} ${(cause as Error).message}`));
    await device.start();
    return { device, errors };
  }

  it("is told of what they reject with, and the packets are counted", async () => {
    const [tun, host] = tunPair();
    const { device, errors } = await started({ tun, bind: Object.assign(new MemoryBind(), { send: reject }) });
    host.write(packet);
    await settle();
    expect([errors, device.statistics().drops.send]).toEqual([["BIND boom"], 1n]);
    await device.close();
  });

  it("has refused what they refuse later", async () => {
    const [tun, host] = tunPair();
    const bind = Object.assign(new MemoryBind(), { send: async () => false });
    const { device, errors } = await started({ tun, bind: bind as unknown as Bind });
    host.write(packet);
    await settle();
    expect([errors, device.statistics().drops.send]).toEqual([[], 1n]);
    await device.close();
  });

  it.each(["pause", "resume", "sessionsChanged"])("that fail: %s", async (name) => {
    const bind = new MemoryBind();
    const { device, errors } = await started({ tun: plainTun({ [name]: reject }), bind });
    bind.events!.full!();
    bind.events!.drained!();
    await settle();
    expect(errors).toEqual(["TUN boom"]);
    await device.close();
  });

  it("that fail to write", async () => {
    const [left, right] = [generatePrivateKey(), generatePrivateKey()];
    const [tun, host] = tunPair();
    const binds = [new MemoryBind(), new MemoryBind()] as const;
    const endpoint = { address: Uint8Array.of(192, 0, 2, 1), port: 1, scope: 0 };
    binds[0].send = (bytes) => {
      binds[1].events?.receive(bytes.slice(), endpoint);
      return true;
    };
    binds[1].send = (bytes) => {
      binds[0].events?.receive(bytes.slice(), endpoint);
      return true;
    };
    const to = (key: Uint8Array) => [
      { publicKey: publicKeyOf(key), allowedIps: ["0.0.0.0/0"], endpoint: "192.0.2.1:1" },
    ];
    const a = await create({ privateKey: left, tun, bind: binds[0], peers: to(right) });
    const b = await create({ privateKey: right, tun: plainTun({ write: reject }), bind: binds[1], peers: to(left) });
    const errors: string[] = [];
    b.on("error", ({ code }) => errors.push(code));
    await Promise.all([a.start(), b.start()]);
    host.write(packet);
    await settle();
    expect([errors, b.statistics().drops.tun]).toEqual([["TUN"], 1n]);
    await Promise.all([a.close(), b.close()]);
  });

  it("that fail to be told ref and unref: the device starts", async () => {
    const refs = { ref: reject, unref: reject };
    const device = await create({ bind: Object.assign(new MemoryBind(), refs), tun: plainTun(refs) });
    const errors: string[] = [];
    device.on("error", ({ code, cause }) => errors.push(`${code} ${(cause as Error).message}`));
    device.unref();
    await settle(2);
    expect(errors.splice(0)).toEqual(["BIND boom", "TUN boom"]);
    await device.start();
    await settle(2);
    expect(errors).toEqual(["BIND boom", "TUN boom"]);
    await device.close();
  });
});

describe("what a Tun says of itself", () => {
  it.each([5, 5n])("its drops count, %s of them", async (drops) => {
    const device = await create({ tun: plainTun({ drops }) });
    expect(device.statistics().drops.tun).toBe(5n);
    await device.close();
  });

  it("that throws when it is asked is told, and the figures are still to be had", async () => {
    const tun = throwing(plainTun({}), "drops");
    const device = await create({ tun: Object.assign(tun, { ref: boom, unref: boom }) });
    const errors: string[] = [];
    device.on("error", ({ code, cause }) => errors.push(`${code} ${(cause as Error).message}`));
    expect(device.statistics().drops.tun).toBe(0n);
    expect(device.unref().ref()).toBe(device);
    await settle(2);
    expect(errors.splice(0)).toEqual(["TUN boom", "TUN boom", "TUN boom"]);
    await device.start();
    await settle(2);
    expect(errors).toEqual(["TUN boom"]);
    await device.close();
  });
});

it.each([[{}], [null], [{ validate: 5 }]])("a runtime whose WebAssembly is %j has none", async (stub) => {
  const { WebAssembly: real } = globalThis;
  Object.assign(globalThis, { WebAssembly: stub });
  try {
    expect(await codeOf(() => create({}))).toBe("UNSUPPORTED_RUNTIME");
  } finally {
    Object.assign(globalThis, { WebAssembly: real });
  }
});
