/** Bind and Tun of a device: what a port that is taken, an address that goes away and ports that throw leave behind. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Bind,
  type BindEvents,
  Device,
  DgramBind,
  generatePrivateKey,
  type Tun,
  tunPair,
  type WasmguardError,
} from "../../../host/index.ts";
import { endpoint, MemoryBind, settle } from "./memory-bind.ts";
import { closeAll, exchange, LOOPBACK, makePair, SMALL } from "./support.ts";

const make = (options: { tun?: Tun; bind: Bind }) =>
  Device.create({ privateKey: generatePrivateKey(), tun: tunPair()[0], limits: SMALL, ...options });

let taken: Socket;
async function takePort(): Promise<number> {
  taken = createSocket("udp4");
  taken.bind({ port: 0, address: "127.0.0.1", exclusive: true });
  await once(taken, "listening");
  return taken.address().port;
}

/** @returns the code with which it fails */
async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: WasmguardError) => error.code,
  );
}

describe("listen on a port that is taken", () => {
  it("fails, and packets go on coming on the old one", async () => {
    const nodes = await makePair();
    await exchange(nodes[0], nodes[1], "before");
    const port = nodes[1].device.listenPort;
    expect(await codeOf(nodes[1].device.listen(await takePort()))).toBe("PORT_IN_USE");
    expect(nodes[1].device.listenPort).toBe(port);
    await exchange(nodes[0], nodes[1], "after");
    await exchange(nodes[1], nodes[0], "answer");
    taken.close();
    await closeAll(nodes);
  });

  it("also with a Bind that can only close and open", async () => {
    const dgram = new DgramBind(LOOPBACK);
    const bind: Bind = {
      open: (port, events) => dgram.open(port, events),
      send: (datagram, to) => dgram.send(datagram, to),
      close: () => dgram.close(),
    };
    const device = await make({ bind });
    await device.start();
    const port = device.listenPort;
    expect(await codeOf(device.listen(await takePort()))).toBe("PORT_IN_USE");
    expect(device.listenPort).toBe(port);
    taken.close();
    taken = createSocket("udp4");
    taken.bind({ port, address: "127.0.0.1", exclusive: true });
    await expect(once(taken, "listening")).rejects.toMatchObject({ code: "EADDRINUSE" });
    await device.close();
  });

  it("tells when even the old one is gone", async () => {
    const opened: number[] = [];
    const bind: Bind = {
      open: (port) => {
        if (opened.push(port) > 1) throw new Error("no more sockets");
        return port || 4000;
      },
      send: () => true,
      close: () => {},
    };
    const device = await make({ bind });
    const told: string[] = [];
    device.on("socket", ({ state }) => told.push(state));
    device.on("error", ({ code }) => told.push(code));
    await device.start();
    expect(await codeOf(device.listen(5000))).toBe("BIND");
    await settle();
    expect([opened, told]).toEqual([
      [0, 5000, 4000],
      ["lost", "BIND"],
    ]);
    await device.close();
  });
});

describe("a local address", () => {
  const real = os.networkInterfaces;
  afterEach(() => {
    os.networkInterfaces = real;
    syncBuiltinESMExports();
    vi.useRealTimers();
  });

  it("that goes away is told, and so is its return", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const bind = new DgramBind(LOOPBACK);
    const device = await make({ bind });
    const told: string[] = [];
    device.on("socket", ({ state, cause }) =>
      told.push(`${state} ${cause === undefined ? "" : (cause as Error).message}`),
    );
    device.on("error", ({ code }) => told.push(code));
    await device.start();
    await vi.advanceTimersByTimeAsync(3000);
    expect(told).toEqual([]);
    os.networkInterfaces = () => ({});
    syncBuiltinESMExports();
    await vi.advanceTimersByTimeAsync(3000);
    expect(told).toEqual(["lost the local address 127.0.0.1 is gone", "BIND"]);
    os.networkInterfaces = real;
    syncBuiltinESMExports();
    await vi.advanceTimersByTimeAsync(3000);
    expect(told.at(-1)).toBe("found ");
    await device.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("close", () => {
  const boom = () => {
    throw new Error("boom");
  };
  const reject = () => Promise.reject(new Error("boom"));

  it.each([
    ["throws", boom],
    ["rejects", reject],
  ])("closes the Bind and wipes the keys when the Tun %s, and tells it", async (_how, close) => {
    const bind = new MemoryBind();
    const device = await make({ tun: { open() {}, write: () => true, close }, bind });
    const errors: string[] = [];
    device.on("error", ({ code, cause }) => errors.push(`${code} ${(cause as Error).message}`));
    await device.start();
    await device.close();
    await settle(2);
    expect([bind.closed, errors]).toEqual([1, ["TUN boom"]]);
    expect(() => device.publicKey).toThrow("closed");
  });

  it("closes the Tun when the Bind throws", async () => {
    const [tun, host] = tunPair();
    const device = await make({ tun, bind: Object.assign(new MemoryBind(), { close: boom }) });
    device.on("error", () => {});
    await device.start();
    await device.close();
    expect(await host[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });
});

it("start fails once the device is closed, also one that had started", async () => {
  for (const calls of [0, 1]) {
    const device = await make({ bind: new MemoryBind() });
    for (let i = 0; i < calls; i++) await device.start();
    await device.close();
    expect(await codeOf(device.start())).toBe("CLOSED");
  }
});

describe("ports that throw while they are opened", () => {
  it("are told of as WasmguardErrors, and start may be called again", async () => {
    let left = 2;
    const failing = <T>(value: T): T => {
      if (left-- > 0) throw new Error("not yet");
      return value;
    };
    const bind: Bind = { open: () => failing(5000), send: () => true, close() {} };
    const device = await make({ bind });
    expect([await codeOf(device.start()), await codeOf(device.start())]).toEqual(["BIND", "BIND"]);
    await device.start();
    await device.close();
    left = 1;
    const other = await make({
      tun: { open: () => failing(undefined), write: () => true, close() {} },
      bind: new MemoryBind(),
    });
    expect(await codeOf(other.start())).toBe("TUN");
    await other.start();
    await other.close();
  });

  it.each([Number.NaN, "4000", -1, undefined])("are refused with %s as port", async (port) => {
    const bind = { open: () => port as number, send: () => true, close() {} };
    const device = await make({ bind });
    expect(await codeOf(device.start())).toBe("BIND");
    await device.close();
  });
});

describe("what a Bind hands over", () => {
  class Lie extends Uint8Array {
    override get length() {
      return 40;
    }
  }
  const from = endpoint(1);
  const cases: [string, unknown, unknown][] = [
    ["no datagram", undefined, from],
    ["text", "datagram", from],
    ["no sender", new Uint8Array(40), undefined],
    ["an address of three million bytes", new Uint8Array(40), { ...from, address: new Uint8Array(3_000_000) }],
    ["an address that is an array", new Uint8Array(40), { ...from, address: [1, 2, 3, 4] }],
    [
      "an address that lies about its length",
      new Uint8Array(40),
      { ...from, address: Object.defineProperty(new Uint8Array(4000), "length", { value: 4 }) },
    ],
    ["a port as text", new Uint8Array(40), { ...from, port: "5" }],
    ["a port over 65535", new Uint8Array(40), { ...from, port: 65_536 }],
    ["no scope", new Uint8Array(40), { address: from.address, port: 1 }],
  ];
  it.each(cases)("is refused: %s", async (_name, datagram, sender) => {
    const bind = new MemoryBind();
    const device = await make({ bind });
    await device.start();
    const receive = bind.events!.receive as (datagram: unknown, from: unknown) => void;
    expect(() => receive(datagram, sender)).toThrow(expect.objectContaining({ code: "OPTION" }));
    await device.close();
  });

  it("is a datagram too long, and dropped, if its bytes are more than it says", async () => {
    const bind = new MemoryBind();
    const device = await make({ bind });
    await device.start();
    for (const bytes of [66_000, 5_000_000]) bind.events!.receive(new Lie(bytes).fill(1), from);
    await settle();
    expect(device.statistics().drops.type).toBe(2n);
    await device.close();
  });
});

it("bindEvents of a device are whole", async () => {
  const bind = new MemoryBind();
  const device = await make({ bind });
  await device.start();
  const names: (keyof BindEvents)[] = [
    "receive",
    "receiveTrain",
    "lost",
    "failed",
    "gone",
    "back",
    "full",
    "drained",
    "readable",
    "mtu",
  ];
  expect(Object.keys(bind.events!).sort()).toEqual(names.sort());
  await device.close();
});
