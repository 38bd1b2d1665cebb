/** Sockets of Bun where the system refuses and has no room, which loopback does not do: on a stand-in for `Bun.udpSocket`. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openBunSocket } from "../../../host/event/datagram-socket-bun.ts";
import { DgramBind, type Endpoint } from "../../../host/index.ts";

const SEGMENT = 10;

type Packets = readonly (Uint8Array | number | string)[];
interface Handlers {
  error(...args: unknown[]): void;
  drain(): void;
}

/** First bytes of the datagrams that went. */
let went: number[] = [];
let sockets: Handlers[] = [];
/** What the system does with a row of datagrams: how many go, or an error. */
let take: (first: readonly number[]) => number = (row) => row.length;

beforeEach(() => {
  went = [];
  sockets = [];
  take = (row) => row.length;
  vi.stubGlobal("Bun", {
    udpSocket: async ({ socket }: { socket: Handlers }) => {
      sockets.push(socket);
      return {
        port: 4000,
        sendMany(packets: Packets) {
          const row = packets.filter((_, i) => i % 3 === 0).map((bytes) => (bytes as Uint8Array)[0]!);
          const count = take(row);
          went.push(...row.slice(0, count));
          return count;
        },
        ref() {},
        unref() {},
        close() {},
      };
    },
  });
});
afterEach(() => void vi.unstubAllGlobals());

/** Four datagrams that begin with 1 to 4, the last one short. */
const train = Uint8Array.from({ length: 3 * SEGMENT + 5 }, (_, i) => Math.floor(i / SEGMENT) + 1);

async function open() {
  const told: unknown[] = [];
  const socket = await openBunSocket({
    family: 4,
    address: "127.0.0.1",
    port: 0,
    events: {
      received() {},
      lost: (cause) => told.push(cause instanceof Error ? cause.message : "lost"),
      failed: () => told.push("failed"),
      full: () => told.push("full"),
      drained: () => told.push("drained"),
    },
  });
  return { told, send: () => socket.sendTrain!(train, SEGMENT, 9, "127.0.0.1") };
}

function refusal(): Error {
  return Object.assign(new Error("refused"), { errno: -111 });
}

it("what is refused for the sake of an earlier datagram goes when it is tried again", async () => {
  const { told, send } = await open();
  let refused = false;
  take = (row) => {
    if (row[0] === 3 && !refused) {
      refused = true;
      throw refusal();
    }
    return Math.min(row.length, 2);
  };
  send();
  expect(went).toEqual([1, 2, 3, 4]);
  expect(told).toEqual([]);
});

it("a datagram that is refused again is lost alone", async () => {
  const { told, send } = await open();
  take = (row) => {
    if (row[0] === 2) throw refusal();
    return row.includes(2) ? row.indexOf(2) : row.length;
  };
  send();
  expect(went).toEqual([1, 3, 4]);
  expect(told).toEqual(["refused"]);
});

it("what finds no room is lost, and told of", async () => {
  const { told, send } = await open();
  take = (row) => (row[0] === 1 ? 1 : 0);
  send();
  expect(went).toEqual([1]);
  expect(told).toEqual(["lost", "lost", "lost", "full"]);
  sockets[0]!.drain();
  expect(told.at(-1)).toBe("drained");
});

it("what ICMP says of datagrams is no failure of the socket, an error of our own is", async () => {
  const { told } = await open();
  sockets[0]!.error(refusal());
  expect(told).toEqual([]);
  sockets[0]!.error(undefined, new Error("thrown"));
  expect(told).toEqual(["failed"]);
});

it("a Bind has room again when both of its sockets have", async () => {
  const told: string[] = [];
  const bind = new DgramBind();
  await bind.open(0, {
    receive() {},
    lost() {},
    failed() {},
    full: () => told.push("full"),
    drained: () => told.push("drained"),
  });
  take = () => 0;
  const to = (bytes: number): Endpoint => ({ address: new Uint8Array(bytes).fill(1), port: 9, scope: 0 });
  for (const bytes of [4, 16]) bind.sendTrain!(train, SEGMENT, to(bytes));
  expect(told).toEqual(["full"]);
  sockets[0]!.drain();
  expect(told).toEqual(["full"]);
  sockets[1]!.drain();
  expect(told).toEqual(["full", "drained"]);
  await bind.close();
});
