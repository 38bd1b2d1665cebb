/** How many peers and allowed IPs a core may have room for. */
import { describe, expect, it } from "vitest";
import { loadCore } from "../../../host/core/load.ts";
import { Device, generatePrivateKey, LimitsError, tunPair } from "../../../host/index.ts";

async function fault(limits: { maxPeers?: number; maxAllowedIps?: number }): Promise<LimitsError> {
  const error = await loadCore(limits).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(LimitsError);
  return error as LimitsError;
}

describe("limits", () => {
  it.each([0, -1, 1.5, Number.NaN, Infinity, 524_289, 2 ** 32 + 1])("of %d peers are refused", async (maxPeers) => {
    const { code, message, nextStep } = await fault({ maxPeers });
    expect([code, message]).toEqual(["LIMITS", "maxPeers is not a whole number from 1 to 524288"]);
    expect(nextStep).toMatch(/^Lower maxPeers or maxAllowedIps.*\.$/);
  });

  it.each([0, -1, 2.5, Number.NaN, 16_777_217, 2 ** 31])("of %d allowed IPs are refused", async (maxAllowedIps) => {
    expect((await fault({ maxAllowedIps })).message).toBe("maxAllowedIps is not a whole number from 1 to 16777216");
  });

  it.each([
    [524_288, 524_288],
    [65_536, 16_777_216],
    [524_288, 16_777_216],
  ])("of %d peers and %d allowed IPs, too many together, are refused", async (maxPeers, maxAllowedIps) => {
    const { message } = await fault({ maxPeers, maxAllowedIps });
    const bytes = Number(/would take (\d+) bytes of memory$/.exec(message)?.[1]);
    expect(bytes).toBeGreaterThan(4000 * maxPeers * 0.9 + 112 * maxAllowedIps);
    expect(bytes).toBeLessThan(2 ** 32);
  });

  it("that just fit are kept, and no address is negative", async () => {
    const core = await loadCore({ maxPeers: 400_000, maxAllowedIps: 3_000_000 });
    expect(core.memory.buffer.byteLength).toBeLessThanOrEqual(2 ** 31);
    for (const [name, address] of Object.entries(core.at)) expect(address, name).toBeGreaterThanOrEqual(0);
    expect(core.peer(399_999)).toBeLessThan(core.memory.buffer.byteLength);
    const first = core.at.exchange;
    core.bytes.fill(7, first, first + 32);
    expect(core.exports.createPeer(399_999, first)).toBeTruthy();
    expect(core.exports.findPeer(first)).toBe(399_999);
  });

  it("that a device cannot have are told when it is made", async () => {
    const [tun] = tunPair();
    const limits = { maxPeers: 1e9 };
    await expect(Device.create({ privateKey: generatePrivateKey(), tun, limits })).rejects.toThrow(LimitsError);
  });
});
