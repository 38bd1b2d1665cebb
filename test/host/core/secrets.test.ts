// Where the secrets of peers lie: at the front of the region, so that a process that may lock little locks the first ones.
import { beforeAll, expect, test } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import type { Core } from "../../../host/core/core.ts";
import { loadCore } from "../../../host/core/load.ts";

const PEERS = 40;
const PAGE = 4096;
let core: Core;

beforeAll(async () => {
  core = await loadCore({ maxPeers: PEERS, maxAllowedIps: 1 });
});

/** All that may hold a secret of a slot: beginning and end. */
function extents(slot: number): [number, number][] {
  const secret = core.secret(slot);
  const keypairs = core.keypairs(slot);
  return [
    [secret, secret + abi.SECRET_BYTES],
    [keypairs, keypairs + abi.KEYPAIRS_PER_PEER * abi.KEYPAIR_BYTES],
  ];
}

test("the identity comes first, and 16 peers with their sessions fit into the rest of 64 KiB", () => {
  expect(core.at.identity).toBe(core.at.secretsBegin);
  expect(core.at.secretsBegin % PAGE).toBe(0);
  const ends = Array.from({ length: 16 }, (_, slot) => extents(slot).map(([, end]) => end)).flat();
  expect(Math.max(...ends)).toBeLessThanOrEqual(core.at.secretsBegin + 65_536);
});

test("no two peers share a byte, and all lie before the UAPI areas", () => {
  const all = Array.from({ length: PEERS }, (_, slot) => extents(slot))
    .flat()
    .sort(([a], [b]) => a - b);
  for (const [i, [begin]] of all.entries()) {
    expect(begin).toBeGreaterThanOrEqual(all[i - 1]?.[1] ?? core.at.peerSecrets);
  }
  expect(all.at(-1)![1]).toBeLessThanOrEqual(core.at.uapiAreas);
});

test("peersBelow counts those whose secrets are all below an address", () => {
  for (let address = core.at.secretsBegin; address <= core.at.uapiAreas; address += PAGE / 2) {
    const whole = Array.from({ length: PEERS }, (_, slot) => extents(slot).every(([, end]) => end <= address));
    const first = whole.indexOf(false);
    expect([address, core.peersBelow(address)]).toEqual([address, first < 0 ? PEERS : first]);
  }
});

test("the core puts a peer's secrets where the host looks for them", () => {
  const key = core.at.exchange;
  core.bytes.fill(7, key, key + 32);
  for (const slot of [0, 15, 16, PEERS - 1]) {
    core.bytes.fill(slot, key, key + 32);
    expect(core.exports.createPeer(slot, key)).toBeTruthy();
    const probe = core.secret(slot);
    core.bytes.fill(0xaa, probe, probe + abi.SECRET_BYTES);
  }
  for (const slot of [0, 15, 16, PEERS - 1]) core.exports.removePeer(slot);
  const rest = core.bytes.subarray(core.at.peerSecrets, core.at.uapiAreas);
  expect(rest.every((byte) => byte === 0)).toBe(true);
});
