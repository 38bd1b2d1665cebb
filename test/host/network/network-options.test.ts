/** Options of networks, whatever is given: taken, or refused with a WasmguardError that says what to do. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WasmguardError } from "../../../host/errors.ts";
import { DgramBind } from "../../../host/event/bind-dgram.ts";
import { generatePrivateKey, publicKeyOf } from "../../../host/library/device-keys.ts";
import { Network } from "../../../host/network/network.ts";
import { networks } from "../../support/networks.ts";

const KEY = generatePrivateKey();
const BASE64 = Buffer.from(KEY).toString("base64");
const PEER = Buffer.from(publicKeyOf(generatePrivateKey())).toString("base64");
const CONFIG = `[Interface]\nPrivateKey = ${BASE64}\nListenPort = 0\nMTU = 1300\nAddress = 10.9.0.1\nDNS = 10.9.0.53\n[Peer]\nPublicKey = ${PEER}\nAllowedIPs = 10.0.0.0/8\n`;
const NAMES = [
  ...["addresses", "dns", "searchDomains", "hosts", "prefer", "memory", "tap", "privateKey", "peers", "bind", "driver"],
  ...["listenPort", "mtu", "limits", "lookup", "signal", "debug"],
];

const bind = () => new DgramBind({ ipv4: "127.0.0.1", ipv6: false });
const good = () => ({ privateKey: KEY, addresses: ["10.0.0.1"], bind: bind() });
const boom = () => {
  throw new Error("boom");
};

/** It is taken, or refused as everything is refused. */
async function check(action: () => unknown): Promise<"taken" | WasmguardError> {
  try {
    await action();
    return "taken";
  } catch (error) {
    if (!(error instanceof WasmguardError)) throw error;
    expect([error.code, error.nextStep]).toEqual([
      expect.stringMatching(/^[A-Z_]+$/),
      expect.stringMatching(/^[A-Z].*\.$/s),
    ]);
    expect(`${error.message} ${error.nextStep}`).not.toContain(BASE64);
    return error;
  }
}

const make = async (options: unknown) => (await Network.create(options as never)).close();

const junk = fc.anything({ withBigInt: true, withMap: true, withSet: true, withTypedArray: true });
const likely = fc.constantFrom(
  ...["10.0.0.2", "fd00::1/64", "corp.internal", "auto", "ipv6", "portable", "", 0, 1300, 1 << 20, null, true, BASE64],
  ...[Symbol("x"), KEY, boom, () => {}, new Map([["a", "10.0.0.1"]]), { a: "10.0.0.1" }, { a: ["fd00::2", 5] }],
);
const value = fc.oneof(junk, likely, fc.array(likely, { maxLength: 3 }));
/** A `debug` that throws does so in a turn of its own, where nobody catches it. */
const options = fc
  .dictionary(fc.oneof(fc.constantFrom(...NAMES), fc.string()), value, { maxKeys: 5 })
  .filter(({ debug }) => debug !== boom);

describe("whatever is given", () => {
  it("to create", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(options, junk), fc.boolean(), async (given, whole) => {
        const all = whole && typeof given === "object" && given !== null ? { ...good(), ...given } : given;
        await check(() => make(all));
      }),
      { numRuns: 300 },
    );
  });

  it("to fromConfig", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constant(CONFIG), junk), fc.oneof(options, junk), async (config, given) => {
        const all = typeof given === "object" && given !== null ? { bind: bind(), ...given } : given;
        await check(async () => (await Network.fromConfig(config as never, all as never)).close());
      }),
      { numRuns: 300 },
    );
  });

  it("to ready, ping and resolve", async () => {
    const { near } = await networks();
    const waits = fc.dictionary(fc.constantFrom("signal", "timeoutMs", "timeout"), value, { maxKeys: 3 });
    const calls: ((given: never) => Promise<unknown>)[] = [
      (given) => near.ready(given),
      (given) => near.ping("10.0.0.2", given),
      (given) => near.resolve4("far.internal", given),
      (given) => near.ping(given),
      (given) => near.resolve6(given),
    ];
    await near.ready();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), fc.oneof(waits, junk), async (call, given) => {
        // A text that is a name has no address; what a signal aborts with is anybody's.
        if (typeof given === "string") return;
        await check(async () => {
          await Promise.race([call(given as never), new Promise((resolve) => setTimeout(resolve, 100))]);
        }).catch((error) => {
          if (!["ETIMEDOUT", "EHOSTUNREACH"].includes(error.code)) throw error;
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe("is refused", () => {
  const list = Proxy.revocable([], {});
  list.revoke();
  const cases: [string, object][] = [
    ["hosts that are a Map, which would do nothing", { hosts: new Map([["a", "10.0.0.1"]]) }],
    ["hosts that are a list", { hosts: ["10.0.0.1"] }],
    ["hosts that cannot be read", { hosts: new Proxy({}, { ownKeys: boom }) }],
    ["hosts with a list that cannot be read", { hosts: { a: list.proxy } }],
    ["a domain with a space", { searchDomains: ["a b"] }],
    ["null for name servers", { dns: null }],
    ["a Tun", { tun: {} }],
  ];
  for (const [name, given] of cases) {
    it(name, async () => {
      expect(await check(() => make({ ...good(), ...given }))).toMatchObject({ code: "OPTION" });
    });
  }
});

it("an option that is undefined is absent: what the configuration says counts", async () => {
  const seen: Uint8Array[] = [];
  const none = { dns: undefined, mtu: undefined, listenPort: undefined, searchDomains: undefined, lookup: undefined };
  const network = await Network.fromConfig(CONFIG, {
    ...none,
    bind: bind(),
    tap: (packet) => seen.push(packet.slice()),
  });
  // Without a name server nobody would be asked.
  network.lookup("somebody.example", () => {});
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(0);
  expect([...seen[0]!.subarray(16, 20)]).toEqual([10, 9, 0, 53]);
  await network.close();
});
