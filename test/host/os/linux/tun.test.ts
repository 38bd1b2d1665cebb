// TUN devices in a network namespace of the test's own.
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { GATHER_ADDRESS, GATHER_BYTES, GATHER_LENGTH, VNET_BYTES } from "../../../../assembly/abi.ts";
import { TunBusyError, TunMissingError, TunNameError, TunPermissionError } from "../../../../host/errors.ts";
import { TUN } from "../../../../host/ffi/constants.ts";
import { EACCES, EAGAIN, EINVAL, EIO, ENOENT, EPERM } from "../../../../host/ffi/errno.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { adoptTun, type LinuxTun, openTun, type TunDeviceOptions, tunIsGone } from "../../../../host/os/linux/tun.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

const PACKET = 4096;
const GATHER = 2048;

let missing: string | undefined;
let libc: Libc;
let bytes: Uint8Array;
const open: LinuxTun[] = [];

beforeAll(async () => {
  missing = await enterNetworkNamespace();
  libc = await openLibc(new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }));
  bytes = new Uint8Array(libc.memory.buffer);
});
beforeEach((ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  try {
    openTun(libc, "wgio0").close();
  } catch (error) {
    if (error instanceof TunMissingError) ctx.skip("no /dev/net/tun here");
    throw error;
  }
});
afterEach(() => {
  for (const tun of open.splice(0)) tun.close();
});

function tunNamed(name: string, options?: TunDeviceOptions): LinuxTun {
  const tun = openTun(libc, name, options);
  open.push(tun);
  return tun;
}

/** A UDP packet from 10.7.0.2 to 10.7.0.1:9, whose port nobody has: the kernel answers with ICMP. */
function udpPacket(): Uint8Array {
  const packet = Uint8Array.from([
    0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 7, 0, 2, 10, 7, 0, 1, 0x30, 0x39, 0, 9, 0, 12, 0, 0, 1, 2, 3, 4,
  ]);
  const view = new DataView(packet.buffer);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return packet;
}

/** Read until a packet of this IP protocol comes; the kernel also sends router solicitations. */
function readProtocol(tun: LinuxTun, protocol: number): Uint8Array | undefined {
  const header = tun.vnetHeader ? VNET_BYTES : 0;
  const deadline = performance.now() + 1000;
  while (performance.now() < deadline) {
    const n = tun.read(PACKET, 65546);
    if (n > 0 && bytes[PACKET + header]! >> 4 === 4 && bytes[PACKET + header + 9] === protocol) {
      return bytes.slice(PACKET + header, PACKET + n);
    }
  }
  return undefined;
}

test("a new device has its name, the default MTU and every offload of this kernel", () => {
  const tun = tunNamed("wgio1");
  expect(tun.name).toBe("wgio1");
  expect(tun.mtu).toBe(1420);
  expect(tun.up).toBe(false);
  expect(ip("-o link show wgio1")).toMatch(new RegExp(`^${tun.index}: wgio1: .* mtu 1420`));
  expect([tun.vnetHeader, tun.tcpOffload, tun.udpOffload]).toEqual([true, true, true]);
});

test.each([
  [{ udpOffload: false }, [true, true, false]],
  [{ tcpOffload: false }, [true, false, true]],
  [{ tcpOffload: false, udpOffload: false }, [true, false, false]],
  [{ vnetHeader: false }, [false, false, false]],
])("offloads can be turned off: %o", (options, expected) => {
  const tun = tunNamed("wgio1", options);
  expect([tun.vnetHeader, tun.tcpOffload, tun.udpOffload]).toEqual(expected);
});

test("a kernel without UDP offload still gives TCP offload", () => {
  const { ioctlValue } = libc;
  libc.ioctlValue = (fd, request, value) =>
    request === TUN.TUNSETOFFLOAD && (value & TUN.TUN_F_USO4) !== 0
      ? -EINVAL
      : ioctlValue.call(libc, fd, request, value);
  const tun = tunNamed("wgio1");
  libc.ioctlValue = ioctlValue;
  expect([tun.tcpOffload, tun.udpOffload]).toEqual([true, false]);
});

test.each([{}, { vnetHeader: false }])("packets pass both ways through linear memory: %o", (options) => {
  const tun = tunNamed("wgio1", options);
  tun.setMtu(1380);
  expect(tun.mtu).toBe(1380);
  expect(tun.read(PACKET, 65546)).toBe(-EAGAIN);
  ip("address add 10.7.0.1/24 dev wgio1");
  tun.bringUp();
  expect(tun.up).toBe(true);
  const header = tun.vnetHeader ? VNET_BYTES : 0;
  bytes.fill(0, PACKET, PACKET + header);
  bytes.set(udpPacket(), PACKET + header);
  expect(tun.write(PACKET, header + 32)).toBe(header + 32);
  const answer = readProtocol(tun, 1);
  expect([...answer!.subarray(12, 22)]).toEqual([10, 7, 0, 1, 10, 7, 0, 2, 3, 3]);
});

test("a packet can be gathered from pieces", () => {
  const tun = tunNamed("wgio1");
  ip("address add 10.7.0.1/24 dev wgio1");
  tun.bringUp();
  const packet = udpPacket();
  const view = new DataView(libc.memory.buffer);
  const pieces: [number, number][] = [
    [PACKET, VNET_BYTES],
    [PACKET + 100, 20],
    [PACKET + 200, 12],
  ];
  bytes.fill(0, PACKET, PACKET + VNET_BYTES);
  bytes.set(packet.subarray(0, 20), PACKET + 100);
  bytes.set(packet.subarray(20), PACKET + 200);
  pieces.forEach(([offset, length], i) => {
    view.setBigUint64(GATHER + i * GATHER_BYTES + GATHER_ADDRESS, libc.base + BigInt(offset), true);
    view.setBigUint64(GATHER + i * GATHER_BYTES + GATHER_LENGTH, BigInt(length), true);
  });
  expect(tun.writev(GATHER, 3)).toBe(VNET_BYTES + 32);
  expect(readProtocol(tun, 1)).toBeDefined();
});

test("writing to a device that is down says so and throws nothing", () => {
  const tun = tunNamed("wgio1");
  bytes.fill(0, PACKET, PACKET + VNET_BYTES);
  bytes.set(udpPacket(), PACKET + VNET_BYTES);
  expect(tun.write(PACKET, VNET_BYTES + 32)).toBe(-EIO);
});

test("a device follows its renaming, and tells when it is removed", () => {
  const tun = tunNamed("wgio1");
  ip("link set wgio1 name wgio9");
  expect(tun.name).toBe("wgio9");
  expect(tun.mtu).toBe(1420);
  ip("link delete wgio9");
  expect(tunIsGone(tun.read(PACKET, 65546))).toBe(true);
  expect(() => tun.mtu).toThrow("ENODEV");
});

test("an inherited descriptor tells its name and whether it has the vnet header", () => {
  const made = tunNamed("wgio1", { vnetHeader: false, mtu: 1300 });
  const adopted = adoptTun(libc, libc.fcntl(made.fd, 0, 0));
  open.push(adopted);
  expect([adopted.name, adopted.mtu, adopted.vnetHeader]).toEqual(["wgio1", 1300, false]);
});

test("something that is no TUN device is not adopted", () => {
  expect(() => adoptTun(libc, 0)).toThrow("TUNGETIFF");
});

test("a name in use is a typed error", () => {
  tunNamed("wgio1");
  expect(() => openTun(libc, "wgio1")).toThrow(TunBusyError);
  expect(() => openTun(libc, "lo")).toThrow(TunBusyError);
});

test.each(["", "sixteen-letters-", "a/b", "a b", "wg%d", ".", "..", "wg:0", "a\0b"])(
  "the name %j is refused",
  (name) => {
    expect(() => openTun(libc, name)).toThrow(TunNameError);
  },
);

test.each([
  [EPERM, TunPermissionError],
  [EACCES, TunPermissionError],
  [ENOENT, TunMissingError],
])("opening the device fails with errno %i: a typed error with a next step", (errno, type) => {
  const { open: original } = libc;
  libc.open = () => -errno;
  try {
    expect(() => openTun(libc, "wgio1")).toThrow(type);
  } finally {
    libc.open = original;
  }
});

test("two descriptors share a multi-queue device", () => {
  tunNamed("wgio1", { multiQueue: true });
  expect(tunNamed("wgio1", { multiQueue: true, mtu: 0 }).name).toBe("wgio1");
});
