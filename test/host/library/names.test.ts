/** Endpoints with names: looked up at first, while that fails, and again when the peer does not answer. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Device, type DeviceOptions, generatePrivateKey, publicKeyOf, tunPair } from "../../../host/index.ts";
import { MemoryBind } from "./memory-bind.ts";
import { packet, SMALL } from "./support.ts";

const NAME = "vpn.example.org:51820";
const KEY = generatePrivateKey();
const PEER = publicKeyOf(generatePrivateKey());
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(1000 * seconds);
const PACKET = packet({ address: 1 }, { address: 2 }, new Uint8Array(4));

let device: Device;
let bind: MemoryBind;
let sendPacket: () => void;
let errors: string[] = [];
/** Seconds that a device waits for names before it starts without them. */
const PATIENCE = 3;

async function start(
  lookup: DeviceOptions["lookup"],
  endpoint: unknown = NAME,
  persistentKeepalive = 0,
): Promise<void> {
  const [tun, host] = tunPair();
  bind = new MemoryBind();
  const peers = [{ publicKey: PEER, allowedIps: ["10.0.0.2"], endpoint: endpoint as string, persistentKeepalive }];
  device = await Device.create({ privateKey: KEY, tun, bind, limits: SMALL, peers, lookup });
  device.on("error", ({ code, message, cause }) => errors.push(`${code} ${message}: ${(cause as Error).message}`));
  const started = device.start();
  await pass(PATIENCE);
  await started;
  sendPacket = () => void host.write(PACKET);
}

const port = () => bind.sent.map(({ to }) => `${to.address.join(".")}:${to.port}`);

beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  errors = [];
  vi.useRealTimers();
  await device.close();
});

describe("the name of an endpoint", () => {
  it.each([
    ["an address", () => "192.0.2.7"],
    ["addresses", async () => ["192.0.2.7", "192.0.2.8"]],
    ["what node:dns gives", async () => [{ address: "192.0.2.7", family: 4 }]],
    ["addresses among junk", () => ["", "x.y", 5, null, "192.0.2.7"] as string[]],
  ])("is looked up, and the lookup may give %s", async (_what, lookup) => {
    await start(lookup);
    await pass(0.01);
    expect(device.peer(PEER).endpoint).toBe("192.0.2.7:51820");
  });

  it("may be in an object, and a numeric one is not looked up", async () => {
    const lookup = vi.fn(() => "192.0.2.7");
    await start(lookup, { address: "vpn.example.org", port: 7 });
    await pass(0.01);
    device.updatePeer(PEER, { endpoint: "192.0.2.9:9" });
    await pass(100);
    expect([lookup.mock.calls.length, device.peer(PEER).endpoint]).toEqual([1, "192.0.2.9:9"]);
  });

  it("is known when the device has started, so that the first packet goes out", async () => {
    await start(() => new Promise((resolve) => setTimeout(() => resolve("192.0.2.7"), 1000)));
    sendPacket();
    await pass(0.01);
    expect(port()).toEqual(["192.0.2.7:51820"]);
  });

  it("that is found later begins the handshake anew, at once", async () => {
    let answer: (address: string) => void = () => {};
    await start(() => new Promise((resolve) => (answer = resolve)), undefined, 25);
    await pass(1);
    expect(port()).toEqual([]);
    answer("192.0.2.7");
    await pass(0.01);
    expect(port()).toEqual(["192.0.2.7:51820"]);
  });

  it("is not looked up before the device starts", async () => {
    const lookup = vi.fn(() => "192.0.2.7");
    const peers = [{ publicKey: PEER, allowedIps: [], endpoint: "vpn.example.org:5" }];
    device = await Device.create({
      privateKey: KEY,
      tun: tunPair()[0],
      bind: new MemoryBind(),
      limits: SMALL,
      peers,
      lookup,
    });
    await pass(10);
    expect(lookup).not.toHaveBeenCalled();
  });

  it("is looked up again while that fails, after ever longer pauses, and told once", async () => {
    const times: number[] = [];
    const began = performance.now();
    const lookup = vi.fn(async () => {
      times.push(Math.round((performance.now() - began) / 1000));
      if (times.length < 6) throw new Error("SERVFAIL");
      return "192.0.2.7";
    });
    await start(lookup);
    await pass(100);
    expect(times).toEqual([0, 1, 3, 7, 15, 31]);
    expect(errors).toEqual(["LOOKUP cannot look up vpn.example.org: SERVFAIL"]);
    expect(device.peer(PEER).endpoint).toBe("192.0.2.7:51820");
  });

  it("has failed when there is no answer, or none of use", async () => {
    await start(() => new Promise(() => {}));
    await pass(11);
    expect(errors).toEqual(["LOOKUP cannot look up vpn.example.org: no answer within 10 s"]);
    await device.close();
    errors = [];
    await start(() => ["nonsense"]);
    expect(errors).toEqual(["LOOKUP cannot look up vpn.example.org: it has no address"]);
  });

  it("is looked up again when the peer does not answer, and each of its addresses has its turn", async () => {
    let addresses = ["192.0.2.7"];
    const lookup = vi.fn(() => addresses);
    await start(lookup);
    await pass(1);
    sendPacket();
    addresses = ["192.0.2.8", "192.0.2.9"];
    await pass(60);
    expect(new Set(port())).toEqual(new Set(["192.0.2.7:51820", "192.0.2.8:51820", "192.0.2.9:51820"]));
    expect(lookup.mock.calls.length).toBeLessThan(12);
  });

  it("is not looked up any more when the peer is gone, or the device closed", async () => {
    const lookup = vi.fn(async () => {
      throw new Error("SERVFAIL");
    });
    await start(lookup);
    device.removePeer(PEER);
    const { length } = lookup.mock.calls;
    await pass(100);
    expect(lookup).toHaveBeenCalledTimes(length);
    device.addPeer({ publicKey: PEER, allowedIps: [], endpoint: "other.example.org:5" });
    await pass(0.5);
    await device.close();
    await pass(100);
    expect([lookup.mock.calls.length, vi.getTimerCount()]).toEqual([length + 1, 0]);
  });

  it.each([
    "example.org",
    "example.org:0",
    "example.org:70000",
    "-a.org:5",
    "a..b:5",
    "10.0.0.256:5",
    "1.2.3:5",
    ":5",
    `${"a".repeat(64)}.org:5`,
    "a b:5",
    "192.0.2.1",
  ])("is refused as %s", async (endpoint) => {
    await start(() => "192.0.2.7");
    expect(() => device.updatePeer(PEER, { endpoint })).toThrow(expect.objectContaining({ code: "ENDPOINT" }));
  });
});
