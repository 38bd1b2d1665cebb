/** Trains by URO: what Windows made of datagrams is taken apart again, also where it does not tell of what it made them. */
import { describe, expect, it, vi } from "vitest";
import { pathFamily, pathInterface, pathLocalAt, pathPort } from "../../../../host/core/records/path.ts";
import { rxAt, rxLength, rxOffset, rxPath, rxSegment, rxTos } from "../../../../host/core/records/rx.ts";
import { noise, same } from "../../../support/bytes.ts";
import { type Arrival, AT, LOCAL, WINDOWS_10_2004, WINDOWS_11, WinsockStandIn } from "./support/winsock-stand-in.ts";

const ASKED = "17/3";
const IP_RECVTOS = "0/40";
const ROOM = 8;
/** As often as it takes. */
const TURNS = 12;
/** Of WireGuard's messages, by their type; what a keepalive has, too. */
const BYTES = { 1: 148, 2: 92, 3: 64 } as const;
const KEEPALIVE = 32;
/** Of the traffic class: RFC 2474, RFC 3168. */
const [DSCP, CE] = [0xb8, 3];

/** A message with a beginning as WireGuard's have: type 4, or one of a handshake. */
function message(bytes: number, seed: number, { type = 4, receiver = 9 } = {}): Uint8Array {
  const made = Buffer.from(noise(bytes, seed));
  made.writeUInt32LE(type, 0);
  made.writeUInt32LE(receiver, 4);
  return new Uint8Array(made);
}

const arrivals = (messages: readonly Uint8Array[]): Arrival[] => messages.map((bytes) => ({ bytes, port: 1, tos: 1 }));

/** @returns the records that one receive filled */
function receive({ udp, core: { views } }: WinsockStandIn, family: 4 | 6 = 4, most = ROOM) {
  const count = udp.receive(family, AT.rxDescriptors, most);
  return Array.from({ length: count }, (_, i) => {
    const record = rxAt(AT.rxDescriptors, i);
    const [offset, length, segment] = [rxOffset(views, record), rxLength(views, record), rxSegment(views, record)];
    const datagrams: Uint8Array[] = [];
    for (let at = 0; at < length; at += segment)
      datagrams.push(views.bytes.slice(offset + at, offset + Math.min(at + segment, length)));
    const path = rxPath(record);
    const local = [...views.bytes.slice(pathLocalAt(path), pathLocalAt(path) + 4)];
    const way = {
      family: pathFamily(views, path),
      port: pathPort(views, path),
      local,
      interface: pathInterface(views, path),
    };
    return { datagrams, tos: rxTos(views, record), way };
  });
}

/** All that waits, as the core sees it. */
function drain(winsock: WinsockStandIn): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let turn = 0; turn < TURNS; turn++) all.push(...receive(winsock).flatMap(({ datagrams }) => datagrams));
  return all;
}

describe("a train that came in", () => {
  it("is told as one, with its datagrams' size, class and local address", () => {
    const winsock = new WinsockStandIn();
    const sent = [noise(1452, 1), noise(1452, 2), noise(200, 3)];
    winsock.arrive(...arrivals(sent), { bytes: message(1452, 4), port: 2 });
    const [train, single, ...others] = receive(winsock);
    expect(others).toEqual([]);
    const way = { family: 4, port: 1, local: [...LOCAL.address], interface: LOCAL.interface };
    expect(train).toEqual({ datagrams: sent, tos: 1, way });
    expect(single).toEqual({ datagrams: [message(1452, 4)], tos: 0, way: { ...way, port: 2 } });
    expect(winsock.drained).toEqual([4]);
    expect(winsock.log).toEqual([]);
  });

  it("may have all that UDP carries, and no more", () => {
    expect(new WinsockStandIn().options.get(ASKED)).toBe(65_535 - 8);
  });

  it.each([1, 2, ROOM])(
    "of more datagrams than a record may have is taken in pieces (room for %i), nothing over it",
    (most) => {
      const winsock = new WinsockStandIn();
      const sent = Array.from({ length: 600 }, (_, i) => message(96, i));
      winsock.arrive(...arrivals(sent), { bytes: message(500, 1), port: 2, tos: 2 });
      // Whichever family is asked: what is left lies where either would receive.
      const records = [...receive(winsock, 4, most), ...receive(winsock, 6, most)];
      expect(records).toHaveLength(Math.min(2 * most, 10));
      for (let turn = 0; turn < TURNS; turn++) records.push(...receive(winsock, 4, most));
      expect(records.map(({ datagrams }) => datagrams.length)).toEqual([...Array(9).fill(64), 24, 1]);
      const received = records.flatMap(({ datagrams }) => datagrams);
      expect(same(Buffer.concat(received), Buffer.concat([...sent, message(500, 1)]))).toBe(true);
      expect(received.map(({ length }) => length)).toEqual([...sent.map(({ length }) => length), 500]);
      expect(records.map(({ way, tos }) => [way.port, tos])).toEqual([...Array(10).fill([1, 1]), [2, 2]]);
    },
  );
});

it.each([
  ["alone", [], CE],
  ["with the rest of the class where Windows tells it only so", WINDOWS_11, DSCP | CE],
])("congestion is told %s", (_how, lacks, told) => {
  const winsock = new WinsockStandIn(lacks);
  winsock.arrive({ bytes: message(96, 1), tos: DSCP | CE });
  expect(receive(winsock).map(({ tos }) => tos)).toEqual([told]);
  expect(winsock.options.has(IP_RECVTOS)).toBe(told !== CE);
});

describe("no trains are asked for", () => {
  it.each([
    ["where Windows does not know the option", [...WINDOWS_11, ...WINDOWS_10_2004], {}],
    ["where it tells the whole class or nothing", WINDOWS_11, {}],
    ["where they are not to be used", [], { coalescing: false }],
  ])("%s", (_where, lacks, options) => {
    const winsock = new WinsockStandIn(lacks, options);
    const sent = [message(1452, 1), message(1452, 2)];
    winsock.arrive(...arrivals(sent));
    expect(receive(winsock).map(({ datagrams }) => datagrams)).toEqual(sent.map((one) => [one]));
    expect(winsock.options.has(ASKED)).toBe(false);
  });
});

describe("a train whose size Windows does not tell", () => {
  const untold = (): WinsockStandIn => Object.assign(new WinsockStandIn(), { tellsSizes: false });

  it.each([
    ["packets", [message(1452, 1), message(1452, 2), message(1452, 3)]],
    ["packets and a shorter one", [message(1452, 1), message(1452, 2), message(KEEPALIVE, 3)]],
    ["packets that are not padded", [message(85, 1), message(85, 2), message(85, 3), message(33, 4)]],
    ["packets of jumbo frames", [message(8951, 1), message(8951, 2)]],
    ["small packets", [message(96, 1), message(96, 2), message(80, 3)]],
    ["keepalives", [message(KEEPALIVE, 1), message(KEEPALIVE, 2)]],
    ["initiations", [message(BYTES[1], 1, { type: 1 }), message(BYTES[1], 2, { type: 1 })]],
    ["responses", [message(BYTES[2], 1, { type: 2 }), message(BYTES[2], 2, { type: 2 })]],
    ["cookie replies", [message(BYTES[3], 1, { type: 3 }), message(BYTES[3], 2, { type: 3 })]],
  ])("is taken apart by what it holds: %s; and it is the last one of these sockets", (_what, sent) => {
    const winsock = untold();
    winsock.arrive(...arrivals(sent));
    expect(drain(winsock)).toEqual(sent);
    expect(winsock.options.get(ASKED)).toBe(0);
    expect(winsock.log).toEqual([expect.stringContaining("without telling their size, or was forged so")]);
    winsock.arrive(...arrivals(sent));
    expect(receive(winsock)).toHaveLength(sent.length);
    expect(winsock.log).toHaveLength(1);
    // Whoever forged one has stopped nothing for good.
    winsock.udp.replace(winsock.udp.bind(0));
    expect(winsock.options.get(ASKED)).toBe(65_527);
    winsock.arrive(...arrivals(sent));
    expect(drain(winsock)).toEqual(sent);
    expect([winsock.options.get(ASKED), winsock.log.length]).toEqual([0, 2]);
  });

  it("is looked for no more once Windows is to make none: what waited so is lost", () => {
    const winsock = untold();
    const sent = [message(1452, 1), message(1452, 2), message(1452, 3)];
    winsock.arrive(...arrivals(sent));
    drain(winsock);
    winsock.options.set(ASKED, 65_527);
    winsock.arrive(...arrivals(sent));
    expect(looks(() => expect(drain(winsock).map(({ length }) => length)).toEqual([3 * 1452]))).toBe(0);
    expect(winsock.log).toHaveLength(1);
  });

  it("is taken apart all the while where Windows will not stop, and told once", () => {
    const winsock = untold();
    const { sockets } = winsock.win;
    const { setsockopt } = sockets;
    let stops = 0;
    vi.spyOn(sockets, "setsockopt").mockImplementation((socket, level, option, ...value) => {
      if (`${level}/${option}` !== ASKED) return setsockopt(socket, level, option, ...value);
      stops += 1;
      return -1;
    });
    const sent = [message(1452, 1), message(1452, 2), message(1452, 3)];
    for (let i = 0; i < 3; i++) {
      winsock.arrive(...arrivals(sent));
      expect(drain(winsock)).toEqual(sent);
    }
    expect([stops, winsock.log.length]).toEqual([2, 1]);
  });

  it.each([1452, 65_507])("is looked for once in %i bytes that all are like its type", (length) => {
    const winsock = untold();
    const hostile = message(length, 1);
    hostile.fill(4, 4);
    winsock.arrive(...arrivals([hostile]));
    expect(looks(() => void drain(winsock))).toBe(1);
    expect(winsock.log).toEqual([]);
  });

  it.each([
    ["a packet as long as jumbo frames carry", message(8952, 1)],
    ["a packet with another receiver's index in it", withinOther({}, { receiver: 10 })],
    ["a packet with half of the receiver's index in it", withinOther({}, { receiver: 0x10009 })],
    ["a packet with another type in it", withinOther({}, { type: 5 })],
    ["a packet with half of the type in it", withinOther({}, { type: 0x10004 })],
    ["an initiation", message(BYTES[1], 1, { type: 1 })],
    ["an initiation with something behind it", message(200, 1, { type: 1 })],
    ["a response with something behind it", message(BYTES[2] + KEEPALIVE, 1, { type: 2 })],
    ["a cookie reply with something behind it", message(BYTES[3] + 1, 1, { type: 3 })],
    ["what is none of WireGuard's", withinOther({ type: 0x10004 }, { type: 0x10004 })],
    ["what is too short for anything", Uint8Array.of(4)],
  ])("is not seen in %s", (_what, one) => {
    const winsock = untold();
    winsock.arrive(...arrivals([one]));
    expect(drain(winsock)).toEqual([one]);
    expect(winsock.options.get(ASKED)).toBe(65_527);
    expect(winsock.log).toEqual([]);
  });
});

/** @returns how often bytes are searched meanwhile */
function looks(meanwhile: () => void): number {
  const search = vi.spyOn(Buffer.prototype, "indexOf");
  try {
    meanwhile();
    return search.mock.calls.length;
  } finally {
    search.mockRestore();
  }
}

type Beginning = Parameters<typeof message>[2];

function withinOther(outer: Beginning, inner: Beginning): Uint8Array {
  const bytes = message(1452, 1, outer);
  bytes.set(message(KEEPALIVE, 2, inner), 96);
  return bytes;
}
