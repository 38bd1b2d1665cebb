// UDP on macOS against a stand-in for its kernel: what is refused, what is set for a datagram, what cannot be used.
import { beforeEach, expect, test } from "vitest";
import { RX_SLOTS } from "../../../../host/core/codes.ts";
import type { Core } from "../../../../host/core/core.ts";
import { loadCore } from "../../../../host/core/load.ts";
import {
  hasSource,
  pathLocalAt,
  readEndpoint,
  setPathInterface,
  writeEndpoint,
} from "../../../../host/core/records/path.ts";
import { rxAt, rxLength, rxOffset, rxPath, rxTos } from "../../../../host/core/records/rx.ts";
import { fillTx, txAt, txPath } from "../../../../host/core/records/tx.ts";
import { PortInUseError, SystemError } from "../../../../host/errors.ts";
import type { DarwinLibc } from "../../../../host/ffi/darwin/libc.ts";
import { EADDRNOTAVAIL, EMSGSIZE, ENOBUFS } from "../../../../host/ffi/errno.ts";
import { DarwinUdp } from "../../../../host/os/macos/udp.ts";
import { Failure } from "../../../support/darwin/errno.ts";
import { openStandIn } from "../../../support/darwin/library.ts";
import { Mac } from "../../../support/darwin/mac.ts";
import { addressBytes, Network } from "../../../support/darwin/network.ts";
import { Process } from "../../../support/darwin/process.ts";

const OWN = "192.0.2.1";
const OWN6 = "2001:db8:0:0:0:0:0:1";
const LINK_LOCAL = "fe80:0:0:0:0:0:0:1";
const PEER = "192.0.2.9";
const PEER6 = "2001:db8:0:0:0:0:0:9";

let network: Network;
let mac: Mac;
let process: Process;
let core: Core;
let libc: DarwinLibc;
let udp: DarwinUdp;

beforeEach(async () => {
  network = new Network();
  mac = new Mac(network, { addresses: [OWN, OWN6, LINK_LOCAL] });
  process = new Process(mac);
  core = await loadCore({ maxPeers: 2, maxAllowedIps: 2 }, "shared");
  libc = openStandIn(process, core.memory, "aarch64");
  udp = new DarwinUdp(core, libc, core.at.ioControl);
  udp.replace(udp.bind(4700));
});

interface Sent {
  readonly to: string;
  readonly bytes: Uint8Array;
  readonly segment?: number;
  readonly tos?: number;
  readonly hops?: number;
  /** The address that the peer was heard at. */
  readonly source?: string;
}

function send(...list: Sent[]): number {
  list.forEach(({ to, bytes, segment = bytes.length, tos = 0, hops = 0, source }, i) => {
    const descriptor = txAt(core.at.txDescriptors, i);
    const path = txPath(descriptor);
    writeEndpoint(core.views, path, { address: addressBytes(to), port: 51_820, scope: 0 });
    if (source !== undefined) {
      core.bytes.set(addressBytes(source), pathLocalAt(path));
      setPathInterface(core.views, path, 4);
    }
    const offset = core.at.rxBuffers + i * 65_536;
    core.bytes.set(bytes, offset);
    fillTx(core.views, descriptor, offset, bytes.length, segment, tos | (hops << 8));
  });
  return udp.send(core.at.txDescriptors, list.length);
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

test("a train goes in datagrams, the last one shorter", () => {
  expect(send({ to: PEER, bytes: bytesOf(250), segment: 100 }, { to: PEER6, bytes: bytesOf(50) })).toBe(0);
  expect(network.sent.map(({ to, bytes }) => [to.address, bytes.length])).toEqual([
    [PEER, 100],
    [PEER, 100],
    [PEER, 50],
    [PEER6, 50],
  ]);
  expect(Buffer.concat(network.sent.slice(0, 3).map(({ bytes }) => bytes))).toEqual(Buffer.from(bytesOf(250)));
});

test("traffic class and hop limit are a datagram's own, and the next one's the usual", () => {
  const one = { to: PEER, bytes: bytesOf(10) };
  const six = { to: PEER6, bytes: bytesOf(10) };
  send({ ...one, tos: 0x88, hops: 3 }, one, { ...six, tos: 2, hops: 7 }, six, { ...one, tos: 0x88 });
  const marks = (address: string) =>
    network.sent.filter(({ to }) => to.address === address).map(({ tos, hops }) => [tos, hops]);
  expect(marks(PEER)).toEqual([
    [0x88, 3],
    [0, 64],
    [0x88, 64],
  ]);
  expect(marks(PEER6)).toEqual([
    [2, 7],
    [0, 64],
  ]);
  // Other sockets, perhaps of the same number, know nothing of it.
  udp.replace(udp.bind(4701));
  send({ ...one, tos: 0x88 });
  expect(network.sent.at(-1)).toMatchObject({ tos: 0x88, hops: 64, from: { port: 4701 } });
});

test("a datagram leaves from the address that its peer knows, of either family", () => {
  const bytes = bytesOf(10);
  expect(send({ to: PEER, bytes, source: OWN }, { to: PEER6, bytes, source: LINK_LOCAL })).toBe(0);
  expect(network.sent.map(({ from }) => from.address)).toEqual([OWN, LINK_LOCAL]);
});

test("an address that is gone is forgotten, and the datagram goes all the same", () => {
  const gone = { to: PEER, bytes: bytesOf(300), segment: 100, source: "192.0.2.200" };
  expect(send(gone, { to: PEER, bytes: bytesOf(5) })).toBe(1);
  expect([udp.sender.errors[0], udp.sender.sourceCleared[0], udp.sender.sourceCleared[1]]).toEqual([0, 1, 0]);
  expect(hasSource(core.views, txPath(txAt(core.at.txDescriptors, 0)))).toBe(false);
  expect(network.sent.map(({ bytes, from }) => [bytes.length, from.address])).toEqual([
    [100, OWN],
    [100, OWN],
    [100, OWN],
    [5, OWN],
  ]);
});

test("what the system refuses is told, and what comes after it goes", () => {
  expect(send({ to: PEER, bytes: bytesOf(9300) }, { to: PEER, bytes: bytesOf(5) })).toBe(1);
  expect([...udp.sender.errors.slice(0, 2)]).toEqual([EMSGSIZE, 0]);
  expect(network.sent.map(({ bytes }) => bytes.length)).toEqual([5]);
});

test("a full buffer ends a train, and no more is made of it", () => {
  network.loses = () => {
    throw new Failure("ENOBUFS");
  };
  expect(send({ to: PEER, bytes: bytesOf(300), segment: 100, source: OWN })).toBe(1);
  expect(udp.sender.errors[0]).toBe(ENOBUFS);
  expect([network.sent.length, udp.sender.sourceCleared[0]]).toEqual([1, 0]);
});

test("a family that the machine lacks is refused, not taken for the other", () => {
  mac.hasIpv6 = false;
  udp.replace(udp.bind(4701));
  expect(udp.sockets.v6).toBe(-1);
  expect(send({ to: PEER6, bytes: bytesOf(5) }, { to: PEER, bytes: bytesOf(6) })).toBe(1);
  expect(udp.sender.errors[0]).toBe(EADDRNOTAVAIL);
  expect(network.sent.map(({ bytes }) => bytes.length)).toEqual([6]);
});

/** What comes to one of the sockets, as a test sends it. */
function arrive(from: string, to: string, length: number, tos = 0): void {
  mac.arrive({
    bytes: bytesOf(length),
    from: { address: from, port: 999 },
    to: { address: to, port: 4700 },
    tos,
    hops: 64,
  });
}

test("what comes is told with where it came from and to, and how it was marked", () => {
  arrive(PEER, OWN, 40, 3);
  arrive(PEER6, OWN6, 50, 0x88);
  for (const [family, from, to, length, tos] of [
    [4, PEER, OWN, 40, 3],
    [6, PEER6, OWN6, 50, 0x88],
  ] as const) {
    expect(udp.receive(family, core.at.rxDescriptors)).toBe(1);
    const descriptor = rxAt(core.at.rxDescriptors, 0);
    const path = rxPath(descriptor);
    expect([rxLength(core.views, descriptor), rxTos(core.views, descriptor)]).toEqual([length, tos]);
    expect(readEndpoint(core.views, path)).toEqual({ address: addressBytes(from), port: 999, scope: 0 });
    const size = family === 4 ? 4 : 16;
    expect(core.bytes.slice(pathLocalAt(path), pathLocalAt(path) + size)).toEqual(addressBytes(to));
    const offset = rxOffset(core.views, descriptor);
    expect(core.bytes.slice(offset, offset + length)).toEqual(bytesOf(length));
  }
});

test("many come in turns, and what is empty takes no place", () => {
  for (let i = 0; i < 20; i++) arrive(PEER, OWN, i % 2 === 0 ? 0 : i);
  const lengths: number[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const count = udp.receive(4, core.at.rxDescriptors, turn === 0 ? 1 : RX_SLOTS);
    for (let i = 0; i < count; i++) lengths.push(rxLength(core.views, rxAt(core.at.rxDescriptors, i)));
  }
  expect(lengths).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  expect(udp.receive(4, core.at.rxDescriptors)).toBe(0);
});

test("a port that either family lacks is taken by neither", () => {
  const other = new DarwinUdp(core, libc, core.at.ioControl);
  expect(() => other.bind(4700)).toThrow(PortInUseError);
  const { descriptors } = process;
  const before = descriptors.size;
  expect(() => other.bind(4700)).toThrow(PortInUseError);
  expect(descriptors.size).toBe(before);
  const free = other.bind(0);
  expect(free.port).not.toBe(4700);
  expect(() => udp.setMark()).toThrow(SystemError);
});
