// What a TUN device is made, in a network namespace of the test's own.

import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { TunMissingError } from "../../../../host/errors.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { applyLinkSettings, applyLinkSettingsIfPossible } from "../../../../host/os/linux/link-settings.ts";
import { adoptTun, type LinuxTun, openTun } from "../../../../host/os/linux/tun.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

const NAME = "wglink0";

let missing: string | undefined;
let libc: Libc;
let tun: LinuxTun | undefined;
let log: string[];

beforeAll(async () => {
  missing = await enterNetworkNamespace();
  libc = await openLibc(new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }));
});
beforeEach((ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  log = [];
  try {
    tun = openTun(libc, NAME);
  } catch (error) {
    if (error instanceof TunMissingError) ctx.skip(`no /dev/net/tun here`);
    throw error;
  }
});
afterEach(() => {
  tun?.close();
  tun = undefined;
});

const note = (level: string, message: string): void => void log.push(`${level} ${message}`);

test("a device gets no address of its own, is no multicast device and sends no redirects", () => {
  applyLinkSettings(libc, tun!, note);
  ip(`link set ${NAME} up`);
  expect(ip(`-o addr show dev ${NAME}`)).toBe("");
  expect(ip(`link show dev ${NAME}`)).not.toMatch(/MULTICAST/);
  expect(ip(`-d link show dev ${NAME}`)).toMatch(/addrgenmode none/);
  expect(log).toEqual([]);
});

test("so does a device that another program opened", () => {
  const adopted = adoptTun(libc, tun!.fd);
  applyLinkSettingsIfPossible(libc, adopted, note);
  expect(ip(`-d link show dev ${NAME}`)).toMatch(/addrgenmode none/);
  expect(ip(`link show dev ${NAME}`)).not.toMatch(/MULTICAST/);
  expect(log).toEqual([]);
});

test("a device that has gone costs a line, not the tunnel", () => {
  ip(`link delete dev ${NAME}`);
  applyLinkSettings(libc, tun!, note);
  expect(log).toEqual([expect.stringMatching(/^error .*stays as the system makes TUN devices: .*ENODEV/)]);
});
