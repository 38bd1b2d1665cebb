/** Options are read as a whole: what is not known, of another type or not the object's own is refused, and always in the same way. */
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DescriptorTun,
  Device,
  DgramBind,
  DuplexTun,
  decodeKey,
  encodeKey,
  formatPublicKey,
  generatePresharedKey,
  generatePrivateKey,
  publicKeyOf,
  readConfig,
  tunPair,
  WasmguardError,
} from "../../../host/index.ts";
import { MemoryBind } from "../library/memory-bind.ts";
import { SMALL } from "../library/support.ts";

const KEY = generatePrivateKey();
/** No trap, but a Proxy that is revoked: whatever is done to it throws. */
const REVOKED = {};
const OTHER = publicKeyOf(generatePrivateKey());

/** @returns what an action throws; undefined if it does not */
async function thrownBy(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function refusal(action: () => unknown): Promise<WasmguardError> {
  const error = await thrownBy(action);
  expect(error).toBeInstanceOf(WasmguardError);
  const { code, nextStep, name } = error as WasmguardError;
  expect([code, nextStep, name]).toEqual([
    expect.stringMatching(/^[A-Z_]+$/),
    expect.stringMatching(/^[A-Z].*\.$/s),
    expect.stringMatching(/^[A-Z]\w+Error$/),
  ]);
  return error as WasmguardError;
}

function publicKeyIn(given: unknown): unknown {
  try {
    return (given as { publicKey?: unknown }).publicKey;
  } catch {
    return undefined;
  }
}

const good = () => ({ privateKey: KEY, tun: tunPair()[0], bind: new MemoryBind(), limits: SMALL });

let device: Device;
beforeEach(async () => {
  device = await Device.create(good());
});
afterEach(() => device.close());

describe("Device.create refuses", () => {
  const peer = { publicKey: OTHER, allowedIps: [] };
  const cases: [string, object, string][] = [
    ["a name that it does not know", { listenport: 5 }, "OPTION"],
    ["a Tun that is none", { tun: {} }, "OPTION"],
    ["no Tun", { tun: undefined }, "OPTION"],
    ["a Bind without send", { bind: { open() {}, close() {} } }, "OPTION"],
    ["null for a Bind", { bind: null }, "OPTION"],
    ["a port as text", { listenPort: "51820" }, "OPTION"],
    ["a port that is null", { listenPort: null }, "OPTION"],
    ["a Tun with a bad MTU", { tun: Object.assign(tunPair()[0], { mtu: 7 }) }, "OPTION"],
    ["peers that are no list", { peers: { ...peer } }, "OPTION"],
    ["peers with a hole", { peers: Object.assign([peer], { 2: peer }) }, "OPTION"],
    ["limits with another name", { limits: { peers: 3 } }, "OPTION"],
    ["limits that are null", { limits: null }, "OPTION"],
    ["limits of another type", { limits: { maxPeers: "16" } }, "LIMITS"],
    ["a lookup that is no function", { lookup: true }, "OPTION"],
    ["a signal that is none", { signal: {} }, "OPTION"],
    ["a debug hook that is none", { debug: "yes" }, "OPTION"],
  ];
  it.each(cases)("%s", async (_name, change, code) => {
    expect((await refusal(() => Device.create({ ...good(), ...change }))).code).toBe(code);
  });

  it.each([undefined, null, 5, "x", [], () => {}])("%s for options", async (options) => {
    expect((await refusal(() => Device.create(options as never))).code).toBe("OPTION");
  });

  it("says which peer is wrong, and how a name is spelt", async () => {
    const peers = [
      { publicKey: OTHER, allowedIps: [] },
      { publicKey: publicKeyOf(KEY), allowedIPs: ["::/0"] },
    ];
    const { message, nextStep } = await refusal(() => Device.create({ ...good(), peers: peers as never }));
    expect([message, nextStep]).toEqual(["peers[1] cannot have an option allowedIPs", "Write allowedIps."]);
  });

  it("names that may be keys, without telling them", async () => {
    const text = Buffer.from(KEY).toString("base64");
    const { message, nextStep } = await refusal(() => Device.create({ ...good(), [text]: 1 } as never));
    expect(message + nextStep).not.toContain(text);
  });
});

describe("a peer is refused", () => {
  const peer = { publicKey: OTHER, allowedIps: ["10.0.0.2"] };
  const cases: [string, object, string][] = [
    ["with an unknown name", { keepalive: 25 }, "OPTION"],
    ["without a list of allowed IPs", { allowedIps: undefined }, "OPTION"],
    ["with allowed IPs that are text", { allowedIps: "10.0.0.0/8" }, "OPTION"],
    ["with allowed IPs that are null", { allowedIps: null }, "OPTION"],
    ["with an allowed IP that is a number", { allowedIps: [10] }, "ALLOWED_IP"],
    ["with an allowed IP that only turns into text", { allowedIps: [{ toString: () => "10.0.0.2" }] }, "ALLOWED_IP"],
    ["with an endpoint that is null", { endpoint: null }, "ENDPOINT"],
    ["with an endpoint that is a number", { endpoint: 51_820 }, "ENDPOINT"],
    ["with an endpoint object without a port", { endpoint: { address: "192.0.2.1" } }, "ENDPOINT"],
    ["with an endpoint whose port is text", { endpoint: { address: "192.0.2.1", port: "51820" } }, "ENDPOINT"],
    ["with a keepalive that is null", { persistentKeepalive: null }, "OPTION"],
    ["with a keepalive that is NaN", { persistentKeepalive: Number.NaN }, "OPTION"],
    ["without a public key", { publicKey: undefined }, "KEY"],
    ...["", 0, false, Number.NaN, {}, [], new Uint8Array()].map((presharedKey): [string, object, string] => [
      `with ${JSON.stringify(presharedKey)} as preshared key`,
      { presharedKey },
      "KEY",
    ]),
  ];
  it.each(cases)("%s", async (_name, change, code) => {
    expect((await refusal(() => device.addPeer({ ...peer, ...change } as never))).code).toBe(code);
    expect(device.statistics().peers).toEqual([]);
    device.addPeer(peer);
    if ("allowedIps" in change && change.allowedIps === undefined) return;
    if ("publicKey" in change) return;
    expect((await refusal(() => device.updatePeer(OTHER, change as never))).code).toBe(code);
    expect(device.statistics().peers[0]?.allowedIps).toEqual(["10.0.0.2/32"]);
  });

  it("when an update is for another key, while its own may be repeated", async () => {
    device.addPeer(peer);
    device.updatePeer(OTHER, { ...peer, persistentKeepalive: 5 });
    expect(device.peer(OTHER).persistentKeepalive).toBe(5);
    const change = { ...peer, publicKey: publicKeyOf(generatePrivateKey()) };
    expect((await refusal(() => device.updatePeer(OTHER, change))).code).toBe("OPTION");
  });
});

describe("what is taken", () => {
  const polluted = [
    "presharedKey",
    "endpoint",
    "persistentKeepalive",
    "listenPort",
    "mtu",
    "peers",
    "limits",
    "queuePackets",
  ];
  afterEach(() => {
    for (const name of polluted) delete (Object.prototype as Record<string, unknown>)[name];
  });

  it("is the object's own: a polluted prototype sets nothing", async () => {
    for (const name of polluted)
      Object.defineProperty(Object.prototype, name, {
        value: new Uint8Array(32).fill(7),
        configurable: true,
        writable: true,
      });
    const made = await Device.create({ ...good(), peers: [{ publicKey: OTHER, allowedIps: ["10.0.0.2"] }] });
    expect(made.peer(OTHER)).toMatchObject({ endpoint: undefined, persistentKeepalive: 0 });
    made.addPeer({ publicKey: publicKeyOf(generatePrivateKey()), allowedIps: [] });
    tunPair({});
    new DgramBind({});
    await made.close();
  });

  it("is read once", async () => {
    let reads = 0;
    const options = {
      ...good(),
      get privateKey() {
        reads += 1;
        return reads === 1 ? KEY : (undefined as never);
      },
    };
    const made = await Device.create(options);
    expect([reads, made.publicKey]).toEqual([1, publicKeyOf(KEY)]);
    await made.close();
  });

  it("may come from another realm", async () => {
    const foreign = runInNewContext("(bytes) => Uint8Array.from(bytes)") as (bytes: Uint8Array) => Uint8Array;
    const foreignList = runInNewContext("['10.0.0.2']") as string[];
    expect(foreign(KEY)).not.toBeInstanceOf(Uint8Array);
    const made = await Device.create({ ...good(), privateKey: foreign(KEY) });
    made.addPeer({ publicKey: foreign(OTHER), allowedIps: foreignList, presharedKey: foreign(generatePresharedKey()) });
    expect([made.publicKey, made.peer(foreign(OTHER)).allowedIps]).toEqual([publicKeyOf(KEY), ["10.0.0.2/32"]]);
    expect(decodeKey(foreign(encodeKey(KEY)))).toEqual(KEY);
    await made.close();
  });

  it("has the length that it has, whatever it says", async () => {
    class Lie extends Uint8Array {
      override get length() {
        return 32;
      }
      override get byteLength() {
        return 32;
      }
    }
    const own = Object.defineProperty(new Uint8Array(96).fill(1), "length", { value: 32 });
    for (const lie of [new Lie(96).fill(1), own]) {
      expect((await refusal(() => device.setPrivateKey(lie))).code).toBe("KEY");
      expect((await refusal(() => device.addPeer({ publicKey: lie, allowedIps: [] }))).code).toBe("KEY");
      expect((await refusal(() => publicKeyOf(lie))).code).toBe("KEY");
    }
  });

  it("may be wiped as soon as create was called", async () => {
    const [privateKey, presharedKey] = [KEY.slice(), generatePresharedKey()];
    const making = Device.create({
      ...good(),
      privateKey,
      peers: [{ publicKey: OTHER, allowedIps: [], presharedKey }],
    });
    privateKey.fill(0);
    presharedKey.fill(0);
    const made = await making;
    expect(made.publicKey).toEqual(publicKeyOf(KEY));
    await made.close();
  });
});

describe("whatever is given", () => {
  const junk = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withTypedArray: true,
    withNullPrototype: true,
  });
  const hostile = fc.oneof(
    junk,
    fc.constantFrom("10.0.0.2", "192.0.2.1:5", 0, 25, null, Symbol("x"), OTHER, KEY, () => {}),
  );
  const object = (names: string[]) =>
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), hostile, { maxKeys: names.length });
  const changes = object(["publicKey", "presharedKey", "endpoint", "allowedIps", "persistentKeepalive"]);

  async function check(action: () => unknown): Promise<void> {
    const error = await thrownBy(action);
    if (error !== undefined && !(error instanceof WasmguardError)) throw error;
    if (error !== undefined)
      expect([error.code, error.nextStep.at(-1)]).toEqual([expect.stringMatching(/^[A-Z_]+$/), "."]);
  }

  it("in options, errors are WasmguardErrors", async () => {
    const options = object([
      "privateKey",
      "tun",
      "bind",
      "listenPort",
      "mtu",
      "peers",
      "limits",
      "lookup",
      "signal",
      "debug",
    ]);
    await fc.assert(
      fc.asyncProperty(fc.oneof(options, hostile), fc.boolean(), async (given, whole) => {
        const all = whole && typeof given === "object" ? { ...good(), ...given } : given;
        await check(async () => (await Device.create(all as never)).close());
      }),
      { numRuns: 300 },
    );
  });

  it("in peers, errors are WasmguardErrors and nothing is half done", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(changes, hostile), hostile, async (given, key) => {
        const before = device.statistics().peers.length;
        const whole =
          typeof given === "object" && given !== null ? { publicKey: OTHER, allowedIps: [], ...given } : given;
        for (const one of [given, whole]) {
          await check(() => device.addPeer(one as never));
          await check(() => device.updatePeer(OTHER, one as never));
          await check(() => device.updatePeer(key as never, one as never));
        }
        await check(() => device.removePeer(key as never));
        await check(() => device.removePeer(OTHER));
        // What was made up may be a key, and then a peer has it.
        await check(() => device.removePeer(publicKeyIn(whole) as never));
        expect(device.statistics().peers.length).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  it("in every other call, errors are WasmguardErrors", async () => {
    const calls = everyCall(device);
    const anything = fc.oneof(hostile, object(["mtu", "queuePackets", "ipv4", "ipv6", "tun"]));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), anything, anything, (call, given, more) =>
        check(() => call(given as never, more as never)),
      ),
      { numRuns: 1500 },
    );
  });

  it("objects that throw when they are looked at are refused like others", async () => {
    const no = () => {
      throw new Error("no");
    };
    const traps = [{ ownKeys: no }, { get: no }, { getOwnPropertyDescriptor: no }, { getPrototypeOf: no }, REVOKED];
    const targets = [{ address: 1, publicKey: OTHER, privateKey: KEY, tun: 1, open: no }, [1]];
    for (const target of targets) {
      for (const trap of traps) {
        const { proxy: given, revoke } = Proxy.revocable<object>(target, trap);
        if (trap === REVOKED) revoke();
        const proxy = given as never;
        for (const call of everyCall(device)) await check(() => call(proxy, proxy));
        for (const name of ["tun", "bind", "peers", "limits", "signal", "lookup"]) {
          await check(() => Device.create({ ...good(), [name]: proxy }));
        }
        for (const name of ["endpoint", "allowedIps", "presharedKey"]) {
          await check(() => device.addPeer({ publicKey: OTHER, allowedIps: [], [name]: proxy }));
        }
      }
    }
  });
});

type Call = (given: never, more: never) => unknown;

function everyCall(device: Device): Call[] {
  return [
    (given) => Device.create(given),
    (given) => device.addPeer(given),
    (given, more) => device.updatePeer(given, more),
    (given) => device.removePeer(given),
    (given) => device.setPrivateKey(given),
    (given) => device.listen(given),
    (given) => device.peer(given),
    (given, more) => device.on(given, more),
    (given) => tunPair(given),
    (given) => new DgramBind(given),
    (given, more) => new DuplexTun(given, more),
    (given, more) => new DescriptorTun(given, more),
    (given) => tunPair()[0].write(given),
    (given) => decodeKey(given),
    (given) => encodeKey(given),
    (given) => formatPublicKey(given),
    (given) => publicKeyOf(given),
    (given) => readConfig(given),
    (given, more) => Device.fromConfig(given, more),
  ];
}
