/** Trains by USO: what Windows splits goes out in one call, and what it refuses singly, as on every Windows before. */
import { describe, expect, it } from "vitest";
import { ERROR } from "../../../../host/ffi/windows/constants.ts";
import { SINGLY_MS } from "../../../../host/os/refused-trains.ts";
import { UdpOutside } from "../../../../host/os/windows/udp-outside.ts";
import { noise } from "../../../support/bytes.ts";
import { type Message, type Train, WINDOWS_10_2004, WinsockStandIn } from "./support/winsock-stand-in.ts";

const SEGMENT = 1452;
const BYTES = noise(4 * SEGMENT + 200, 1);
const TRAIN: Train = { bytes: BYTES, segment: SEGMENT, peer: 7 };
const DATAGRAMS = [0, 1, 2, 3, 4].map((i) => BYTES.slice(i * SEGMENT, (i + 1) * SEGMENT));
const SOURCE = [198, 51, 100, 9];
/** Of IPv4, as "level/type": IP_PKTINFO and IP_TOS. */
const [PKTINFO, TOS] = ["0/19", "0/3"];
/** Fields of ECN, and a differentiated service beside them. */
const [ECT_1, ECT_0, CE, DSCP] = [1, 2, 3, 0x88];
/** Of these a train is refused though its datagrams are taken: by the path, by the system, or by one whose reason is lost. */
const REFUSALS = [ERROR.WSAEINVAL, ERROR.WSAEMSGSIZE, ERROR.WSAENOPROTOOPT, ERROR.WSAEOPNOTSUPP];

function open(winsock = new WinsockStandIn()) {
  const time = { now: 0 };
  const lines: string[] = [];
  const { core, win, udp, areas } = winsock;
  const log = (_level: string, line: string): unknown => lines.push(line);
  const outside = new UdpOutside({ core, win, udp, areas, log, clock: () => time.now });
  /** @returns the sizes of its messages, each with that of its datagrams where it is a train */
  const send = (...trains: Train[]): number[][] => {
    winsock.messages.length = 0;
    winsock.sent.length = 0;
    outside.send(winsock.fill(...trains));
    return winsock.messages.map(({ bytes, segment }) => (segment === 0 ? [bytes.length] : [bytes.length, segment]));
  };
  return { winsock, outside, send, time, lines };
}

const WHOLE = [[BYTES.length, SEGMENT]];
const SINGLY = DATAGRAMS.map((datagram) => [datagram.length]);
const trainsAre = (error: number) => (message: Message) => (message.segment === 0 ? 0 : error);

describe("a train", () => {
  it("goes out in one call, with the size of its datagrams, its source and its class", () => {
    const { winsock, outside, send } = open();
    expect(send({ ...TRAIN, tos: ECT_1, source: SOURCE })).toEqual(WHOLE);
    expect(winsock.sent).toEqual(DATAGRAMS);
    const [message] = winsock.messages;
    expect([...message!.options.keys()]).toEqual([PKTINFO, TOS]);
    expect(message!.options.get(PKTINFO)).toBe(Buffer.from(SOURCE).readUInt32LE());
    expect(message!.options.get(TOS)).toBe(ECT_1);
    expect([outside.refused(0), outside.lostSource(0)]).toEqual([false, false]);
  });

  it("has all that may be told beside it, also over IPv6", () => {
    const { winsock, send } = open();
    const address = Array.from({ length: 16 }, (_, i) => 0x20 + i);
    expect(send({ ...TRAIN, tos: (64 << 8) | ECT_1, to: address, source: address })).toEqual(WHOLE);
    const options = [...winsock.messages[0]!.options.entries()];
    expect(options).toEqual([
      ["41/19", 0x23222120],
      ["41/39", ECT_1],
      ["41/21", 64],
    ]);
    expect(winsock.sent).toEqual(DATAGRAMS);
  });

  it("of one datagram has no size told, and neither has what comes behind a train", () => {
    const { send } = open();
    const one = { bytes: noise(SEGMENT, 2), segment: SEGMENT };
    expect(send(one, TRAIN, one)).toEqual([[SEGMENT], ...WHOLE, [SEGMENT]]);
  });

  it.each([
    ["Windows does not know the option", new WinsockStandIn(WINDOWS_10_2004)],
    ["it is not to be used", new WinsockStandIn([], { segmentation: false })],
  ])("goes singly where %s", (_why, winsock) => {
    const { send, lines } = open(winsock);
    expect(winsock.udp.segmentation).toBe(false);
    expect(send(TRAIN)).toEqual(SINGLY);
    expect(winsock.sent).toEqual(DATAGRAMS);
    expect(lines).toEqual([]);
  });

  it("leaves no size with the socket, by which single datagrams would be cut", () => {
    expect(new WinsockStandIn().options.get("17/2")).toBe(0);
  });
});

describe("a train that is refused", () => {
  it.each(REFUSALS)("(error %i) goes singly, and those after it for a while; no datagram is lost", (error) => {
    const { winsock, outside, send, time, lines } = open();
    winsock.refuse = trainsAre(error);
    expect(send(TRAIN)).toEqual([...WHOLE, ...SINGLY]);
    expect(winsock.sent).toEqual(DATAGRAMS);
    expect([outside.refused(0), outside.lostSource(0)]).toEqual([false, false]);
    expect(send(TRAIN)).toEqual(SINGLY);
    expect(send({ ...TRAIN, peer: 8 })).toEqual([...WHOLE, ...SINGLY]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("a path took no train of datagrams");
    time.now += SINGLY_MS;
    winsock.refuse = () => 0;
    expect(send(TRAIN)).toEqual(WHOLE);
  });

  it("keeps its source and its class where only the train is to blame", () => {
    const { winsock, outside, send } = open();
    winsock.refuse = trainsAre(ERROR.WSAEINVAL);
    send({ ...TRAIN, tos: ECT_1, source: SOURCE });
    expect(winsock.messages.every(({ options }) => options.has(PKTINFO) && options.get(TOS) === ECT_1)).toBe(true);
    expect(outside.lostSource(0)).toBe(false);
  });

  it("for its source goes without, and is no matter of trains", () => {
    const { winsock, outside, send } = open();
    winsock.refuse = ({ options }) => (options.has(PKTINFO) ? ERROR.WSAEINVAL : 0);
    send({ ...TRAIN, source: SOURCE });
    expect(winsock.sent).toEqual(DATAGRAMS);
    expect([outside.refused(0), outside.lostSource(0)]).toEqual([false, true]);
    expect(send(TRAIN)).toEqual(WHOLE);
  });

  it.each([ERROR.WSAEADDRNOTAVAIL, ERROR.WSAENETUNREACH])("for its source (error %i) stays a train", (error) => {
    const { winsock, outside, send } = open();
    winsock.refuse = ({ options }) => (options.has(PKTINFO) ? error : 0);
    expect(send({ ...TRAIN, source: SOURCE })).toEqual([...WHOLE, ...WHOLE]);
    expect([outside.refused(0), outside.lostSource(0)]).toEqual([false, true]);
  });

  it("for its class goes without, and is no matter of trains", () => {
    const { winsock, send, lines } = open();
    winsock.refuse = ({ options }) => (options.has(TOS) ? ERROR.WSAEINVAL : 0);
    send({ ...TRAIN, tos: ECT_1 });
    expect(winsock.sent).toEqual(DATAGRAMS);
    expect(send({ ...TRAIN, tos: ECT_1 })).toEqual(WHOLE);
    expect(lines).toEqual([]);
  });

  it("as its datagrams are, is refused, and no matter of trains", () => {
    const { winsock, outside, send, lines } = open();
    winsock.refuse = () => ERROR.WSAEMSGSIZE;
    send(TRAIN);
    expect([outside.refused(0), winsock.sent.length]).toEqual([true, 0]);
    winsock.refuse = () => 0;
    expect(send(TRAIN)).toEqual(WHOLE);
    expect(lines).toEqual([]);
  });

  it("because the buffer is full is not sent once more", () => {
    const { winsock, outside, send } = open();
    winsock.refuse = () => ERROR.WSAEWOULDBLOCK;
    expect(send(TRAIN)).toEqual(WHOLE);
    expect(outside.refused(0)).toBe(true);
  });

  it("singly because the buffer is full is not gone on with", () => {
    const { winsock, outside, send } = open(new WinsockStandIn(WINDOWS_10_2004));
    winsock.refuse = () => ERROR.WSAEWOULDBLOCK;
    expect(send(TRAIN)).toEqual([[SEGMENT]]);
    expect(outside.refused(0)).toBe(true);
  });
});

it.each([
  ["a train", TRAIN],
  ["a datagram", { bytes: noise(SEGMENT, 2), segment: SEGMENT }],
])(
  "%s with a mark of congestion, which Windows sends for nobody, goes out without, and others keep their class",
  (_of, one) => {
    const { winsock, send } = open();
    winsock.refuse = ({ options }) => (((options.get(TOS) ?? 0) & CE) === CE ? ERROR.WSAEINVAL : 0);
    expect(send(...[CE, DSCP | CE, ECT_1, DSCP].map((tos) => ({ ...one, tos })))).toHaveLength(4);
    expect(winsock.messages.map(({ options }) => options.get(TOS))).toEqual([ECT_0, DSCP | ECT_0, ECT_1, DSCP]);
  },
);
