// UDP sockets over loopback, in a network namespace of the test's own.
import { beforeAll, beforeEach, expect, test } from "vitest";
import { PortInUseError } from "../../../../host/errors.ts";
import { SOCKET } from "../../../../host/ffi/constants.ts";
import {
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENETUNREACH,
  EPERM,
} from "../../../../host/ffi/errno.ts";
import { Libc } from "../../../../host/ffi/libc.ts";
import { openEventfd } from "../../../../host/os/linux/epoll.ts";
import { SINGLY_MS } from "../../../../host/os/refused-trains.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";
import { DATA, Lab, LOOPBACK4, LOOPBACK6, pattern, SPARE } from "./support/lab.ts";

let missing: string | undefined;
beforeAll(async () => {
  missing = await enterNetworkNamespace();
});
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const families = [
  { family: 4 as const, address: LOOPBACK4 },
  { family: 6 as const, address: LOOPBACK6 },
];

test("both families get the same free port", async () => {
  const udp = (await Lab.open()).udp();
  udp.open(0);
  expect(udp.port).toBeGreaterThan(0);
  expect(udp.v4).toBeGreaterThan(0);
  expect(udp.v6).toBeGreaterThan(0);
  udp.close();
  expect([udp.v4, udp.v6, udp.port]).toEqual([-1, -1, 0]);
});

test("a port that is taken in either family is refused with a typed error", async () => {
  const lab = await Lab.open();
  const [first, second] = [lab.udp(), lab.udp()];
  first.open(0);
  expect(() => second.open(first.port)).toThrow(PortInUseError);
  expect([second.v4, second.v6]).toEqual([-1, -1]);
  first.close();
});

test("a port that is taken leaves the sockets that are open as they are, with what waits in them", async () => {
  const lab = await Lab.open();
  const [a, b, other] = [lab.udp(), lab.udp(), lab.udp()];
  for (const udp of [a, b, other]) udp.open(0);
  const { v4, v6, port } = b;
  a.send(...lab.describe([{ bytes: pattern(32), to: { family: 4, port, address: LOOPBACK4 } }]));
  expect(() => b.open(other.port)).toThrow(PortInUseError);
  expect([b.v4, b.v6, b.port]).toEqual([v4, v6, port]);
  expect(lab.receive(b, 4).map((m) => m.bytes)).toEqual([pattern(32)]);
  for (const udp of [a, b, other]) udp.close();
});

test("rebinding moves to the new port and keeps working", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp()];
  a.open(0);
  b.open(0);
  b.open(b.port === 41000 ? 41001 : 41000);
  a.send(...lab.describe([{ bytes: pattern(32), to: { family: 4, port: b.port, address: LOOPBACK4 } }]));
  expect(lab.receive(b, 4).map((m) => m.bytes)).toEqual([pattern(32)]);
  a.close();
  b.close();
});

test.each(families)("IPv$family: a datagram carries its addresses, interface and traffic class", async (to) => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp()];
  a.open(0);
  b.open(0);
  const message = { bytes: pattern(148), tos: 0x88, to: { ...to, port: b.port } };
  expect(a.send(...lab.describe([message]))).toBe(0);
  const received = lab.receive(b, to.family);
  const { family, address } = to;
  expect(received).toEqual([
    { bytes: pattern(148), segment: 148, tos: 0x88, family, port: a.port, address, local: address, interface: 1 },
  ]);
  a.close();
  b.close();
});

test.each(families)("IPv$family: a train crosses in one piece, also with source and traffic class", async (to) => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp()];
  a.open(0);
  b.open(0);
  expect([a.sender.segmentation, b.coalesces]).toEqual([true, true]);
  const bytes = pattern(43 * 1452 + 200);
  const source = { address: to.address, interface: 1 };
  const [descriptors, count] = lab.describe([{ bytes, segment: 1452, tos: 3, source, to: { ...to, port: b.port } }]);
  expect(a.send(descriptors, count)).toBe(0);
  const [received] = lab.receive(b, to.family);
  expect(received).toMatchObject({ segment: 1452, tos: 3, port: a.port, address: to.address });
  expect(Buffer.compare(received!.bytes, bytes)).toBe(0);
  a.close();
  b.close();
});

test("messages of both families go out in one send and keep their order", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp({ coalescing: false })];
  a.open(0);
  b.open(0);
  const messages = [4, 6, 4, 6, 4, 6, 4, 6].map((family, i) => ({
    bytes: pattern(100 + i, i),
    to: { family: family as 4 | 6, port: b.port, address: family === 4 ? LOOPBACK4 : LOOPBACK6 },
  }));
  expect(a.send(...lab.describe(messages))).toBe(0);
  expect(lab.receive(b, 4).map((m) => m.bytes.length)).toEqual([100, 102, 104, 106]);
  expect(lab.receive(b, 6).map((m) => m.bytes.length)).toEqual([101, 103, 105, 107]);
  expect(b.receive(4, SPARE)).toBe(0);
  a.close();
  b.close();
});

test("without segmentation a train goes out as single datagrams, more than one call's worth", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp({ segmentation: false }), lab.udp({ coalescing: false })];
  a.open(0);
  b.open(0);
  const to = { family: 4 as const, port: b.port, address: LOOPBACK4 };
  const trains = [0, 1, 2].map((i) => ({ bytes: pattern(63 * 500 + 100, i), segment: 500, to }));
  expect(a.send(...lab.describe(trains))).toBe(0);
  const sizes: number[] = [];
  while (sizes.length < 192) {
    const batch = lab.receive(b, 4);
    if (batch.length === 0) break;
    sizes.push(...batch.map((m) => m.bytes.length));
  }
  const one = [...Array(63).fill(500), 100];
  expect(sizes).toEqual([...one, ...one, ...one]);
  a.close();
  b.close();
});

test.each(families)(
  "IPv$family: a source address that went away is cleared, and the message sent at once",
  async (to) => {
    const lab = await Lab.open();
    const [a, b] = [lab.udp(), lab.udp()];
    a.open(0);
    b.open(0);
    const gone = to.family === 4 ? [10, 9, 8, 7] : [0xfd, ...Array(14).fill(0), 7];
    const source = { address: gone, interface: 1 };
    const good = { bytes: pattern(64), to: { ...to, port: b.port } };
    const stale = { bytes: pattern(3000, 5), segment: 1000, source, to: { ...to, port: b.port } };
    const [descriptors, count] = lab.describe([good, stale, good]);
    expect(a.send(descriptors, count)).toBe(1);
    expect([...a.sender.errors.slice(0, 3)]).toEqual([0, 0, 0]);
    expect([...a.sender.sourceCleared.slice(0, 3)]).toEqual([0, 1, 0]);
    expect(lab.source(1)).toEqual({ address: Array(16).fill(0), interface: 0 });
    expect(lab.receive(b, to.family).map((m) => m.bytes.length)).toEqual([64, 3000, 64]);
    a.close();
    b.close();
  },
);

test("a destination without a route fails alone; the messages after it are sent", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp()];
  a.open(0);
  b.open(0);
  const good = { bytes: pattern(64), to: { family: 4 as const, port: b.port, address: LOOPBACK4 } };
  const bad = { bytes: pattern(64), to: { family: 4 as const, port: 9, address: [192, 0, 2, 1] } };
  expect(a.send(...lab.describe([good, bad, good]))).toBe(1);
  expect([...a.sender.errors.slice(0, 3)]).toEqual([0, ENETUNREACH, 0]);
  expect(lab.receive(b, 4)).toHaveLength(2);
  a.close();
  b.close();
});

test("a machine without IPv6 gets IPv4 alone, and IPv6 descriptors fail", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp()];
  const { socket } = Libc.prototype;
  lab.libc.socket = (domain, type, protocol) =>
    domain === SOCKET.AF_INET6 ? -EAFNOSUPPORT : socket.call(lab.libc, domain, type, protocol);
  a.open(0);
  b.open(0);
  expect([a.v6, b.v6]).toEqual([-1, -1]);
  const v4 = { bytes: pattern(64), to: { family: 4 as const, port: b.port, address: LOOPBACK4 } };
  const v6 = { bytes: pattern(64), to: { family: 6 as const, port: b.port, address: LOOPBACK6 } };
  expect(a.send(...lab.describe([v6, v4]))).toBe(1);
  expect([...a.sender.errors.slice(0, 2)]).toEqual([EADDRNOTAVAIL, 0]);
  expect(lab.receive(b, 4)).toHaveLength(1);
  expect(b.receive(6, SPARE)).toBe(0);
  a.close();
  b.close();
});

/** A Libc whose sendmmsg refuses what `refuse` says, as an unhelpful kernel would. */
function refusing(lab: Lab, refuse: (isTrain: boolean) => number): { calls: number } {
  const state = { calls: 0 };
  const { sendmmsg } = Libc.prototype;
  lab.libc.sendmmsg = (fd, messages, count, flags) => {
    state.calls++;
    // A control message in the first header: here only trains have one.
    const errno = refuse(lab.view.getUint32(messages + 40, true) > 0);
    return errno === 0 ? sendmmsg.call(lab.libc, fd, messages, count, flags) : -errno;
  };
  return state;
}

/** A sender whose trains are refused while `refuse` says so, and its receiver. */
async function refusedTrains(errno: number) {
  const lab = await Lab.open();
  const state = { now: 0, refuse: true, notices: [] as number[] };
  const a = lab.udp({ onSegmentationRefused: (told) => state.notices.push(told), clock: () => state.now });
  const b = lab.udp({ coalescing: false });
  a.open(0);
  b.open(0);
  const calls = refusing(lab, (isTrain) => (isTrain && state.refuse ? errno : 0));
  const to = { family: 4 as const, port: b.port, address: LOOPBACK4 };
  /** @returns system calls that one train to each of these peers took */
  const round = (...peers: number[]): number => {
    calls.calls = 0;
    const trains = peers.map((peer) => ({ bytes: pattern(2500), segment: 1000, peer, to }));
    expect(a.send(...lab.describe(trains))).toBe(0);
    let bytes = 0;
    for (let batch = lab.receive(b, 4); bytes < 2500 * peers.length && batch.length > 0; ) {
      bytes += batch.reduce((sum, m) => sum + m.bytes.length, 0);
      if (bytes < 2500 * peers.length) batch = lab.receive(b, 4);
    }
    expect(bytes).toBe(2500 * peers.length);
    return calls.calls;
  };
  const close = () => {
    a.close();
    b.close();
  };
  return { state, round, close };
}

test.each([EMSGSIZE, EIO, EINVAL])(
  "a train that a path refuses (errno %i) goes singly, and those after it for a while; no datagram is lost",
  async (errno) => {
    const { state, round, close } = await refusedTrains(errno);
    // The train, and its datagrams in one call.
    expect(round(1)).toBe(2);
    for (let i = 0; i < 5; i++) expect(round(1)).toBe(1);
    expect(state.notices).toEqual([errno]);
    close();
  },
);

test("what one path refuses, others go on with", async () => {
  const { state, round, close } = await refusedTrains(EMSGSIZE);
  for (let i = 0; i < 5; i++) round(1);
  state.refuse = false;
  expect(round(2)).toBe(1);
  state.refuse = true;
  expect(round(2)).toBe(2);
  close();
});

test("after a while a train is tried again: the path may have become wider", async () => {
  const { state, round, close } = await refusedTrains(EMSGSIZE);
  round(1);
  state.now += SINGLY_MS - 1;
  expect(round(1)).toBe(1);
  state.now += 1;
  expect(round(1)).toBe(2);
  state.now += SINGLY_MS;
  state.refuse = false;
  expect(round(1)).toBe(1);
  state.refuse = true;
  expect(round(1)).toBe(2);
  expect(state.notices).toEqual([EMSGSIZE]);
  close();
});

test("a full socket buffer drops the rest of the batch and says so", async () => {
  const lab = await Lab.open();
  const a = lab.udp();
  a.open(0);
  const state = refusing(lab, () => EAGAIN);
  const message = { bytes: pattern(64), to: { family: 4 as const, port: 9, address: LOOPBACK4 } };
  expect(a.send(...lab.describe([message, message, message]))).toBe(3);
  expect([...a.sender.errors.slice(0, 3)]).toEqual([EAGAIN, EAGAIN, EAGAIN]);
  expect(state.calls).toBe(1);
  a.close();
});

test("a datagram that is refused is not counted against trains", async () => {
  const lab = await Lab.open();
  const a = lab.udp({ onSegmentationRefused: () => expect.unreachable() });
  a.open(0);
  refusing(lab, () => EPERM);
  const train = { bytes: pattern(2500), segment: 1000, to: { family: 4 as const, port: 9, address: LOOPBACK4 } };
  for (let i = 0; i < 5; i++) a.send(...lab.describe([train]));
  expect(a.sender.errors[0]).toBe(EPERM);
  a.close();
});

test("the path's MTU smaller than a train's datagrams: they arrive all the same", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp({ coalescing: false })];
  a.open(0);
  b.open(0);
  ip("route change local 127.0.0.1 dev lo table local mtu 1000");
  const to = { family: 4 as const, port: b.port, address: LOOPBACK4 };
  expect(a.send(...lab.describe([{ bytes: pattern(4000), segment: 1400, to }]))).toBe(0);
  expect(lab.receive(b, 4).reduce((sum, m) => sum + m.bytes.length, 0)).toBe(4000);
  ip("route change local 127.0.0.1 dev lo table local");
  a.close();
  b.close();
});

test("a second owner, as in another thread, uses the same sockets", async () => {
  const lab = await Lab.open();
  const [a, b] = [lab.udp(), lab.udp()];
  a.open(0);
  b.adopt(a.v4, a.v6);
  expect([b.port, b.coalesces]).toEqual([a.port, true]);
  b.send(...lab.describe([{ bytes: pattern(32), to: { family: 4, port: a.port, address: LOOPBACK4 } }]));
  expect(lab.receive(a, 4)).toHaveLength(1);
  b.release();
  b.close();
  expect(a.send(...lab.describe([{ bytes: pattern(32), to: { family: 6, port: a.port, address: LOOPBACK6 } }]))).toBe(
    0,
  );
  a.close();
});

test("an adopter never closes what it adopted, for the numbers may be others' by then", async () => {
  const lab = await Lab.open();
  const [owner, adopter] = [lab.udp(), lab.udp()];
  owner.open(0);
  adopter.adopt(owner.v4, owner.v6);
  const { v4, v6 } = adopter;
  owner.close();
  const strangers = [openEventfd(lab.libc), openEventfd(lab.libc)];
  expect(strangers).toEqual([v4, v6]);
  owner.open(0);
  adopter.adopt(owner.v4, owner.v6);
  expect(adopter.port).toBe(owner.port);
  for (const fd of strangers) expect(lab.libc.close(fd)).toBe(0);
  adopter.release();
  owner.close();
});

test("a mark can be set by root", async () => {
  const lab = await Lab.open();
  const udp = lab.udp();
  udp.open(0, 0xfffffff0);
  udp.setMark(0);
  udp.close();
});

test("a wild segment size in a descriptor ends the call", async () => {
  const lab = await Lab.open();
  const a = lab.udp({ segmentation: false });
  a.open(0);
  const [descriptors, count] = lab.describe([
    { bytes: pattern(10), segment: 0, to: { family: 4, port: 9, address: LOOPBACK4 } },
  ]);
  a.send(descriptors, count);
  expect(lab.bytes[DATA]).toBe(0);
  a.close();
});
