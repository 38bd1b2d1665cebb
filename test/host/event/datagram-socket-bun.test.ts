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
/** Whether the runtime has closed the socket. */
let closed = false;

beforeEach(() => {
  closed = false;
  went = [];
  sockets = [];
  take = (row) => row.length;
  vi.stubGlobal("Bun", {
    udpSocket: async ({ socket }: { socket: Handlers }) => {
      sockets.push(socket);
      return {
        port: 4000,
        get closed() {
          return closed;
        },
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
    longest: 1500,
    events: {
      received() {},
      lost: (cause) => told.push(cause instanceof Error ? cause.message : "lost"),
      failed: () => told.push("failed"),
      full: () => told.push("full"),
      drained: () => told.push("drained"),
    },
  });
  return { told, send: () => socket.sendTrain!(train, SEGMENT, 9, "127.0.0.1"), close: () => socket.close() };
}

function refusal(code = "ECONNREFUSED"): Error {
  return Object.assign(new Error("refused"), { code, errno: -111 });
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

it.each(["EAGAIN", "EWOULDBLOCK", "ENOBUFS"])(
  "a runtime that throws %s has no room, and has some soon without saying so",
  async (code) => {
    const { told, send } = await open();
    take = (row) => {
      if (row[0] !== 1) throw refusal(code);
      return 1;
    };
    send();
    expect(went).toEqual([1]);
    expect(told).toEqual(["lost", "lost", "lost", "full"]);
    await expect.poll(() => told.at(-1)).toBe("drained");
  },
);

it("room is told of also when the runtime forgets to, and not after the end", async () => {
  const { told, send, close } = await open();
  take = () => 0;
  send();
  await expect.poll(() => told.at(-1)).toBe("drained");
  vi.useFakeTimers();
  try {
    send();
    await close();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
  expect(told.at(-1)).toBe("full");
});

it("a socket that the runtime has closed is told of once, and what is sent then is lost", async () => {
  const { told, send, close } = await open();
  take = () => {
    throw new Error("Socket is closed");
  };
  closed = true;
  send();
  send();
  const lost = Array(4).fill("Socket is closed");
  expect(told).toEqual([...lost, "failed", ...lost]);
  await close();
});

it("what ICMP says of datagrams is no failure of the socket, other errors are", async () => {
  const { told } = await open();
  for (const code of ["ECONNREFUSED", "EHOSTUNREACH", "EMSGSIZE"]) sockets[0]!.error(refusal(code));
  expect(told).toEqual([]);
  sockets[0]!.error(undefined, new Error("thrown"));
  sockets[0]!.error(refusal("EBADF"));
  expect(told).toEqual(["failed", "failed"]);
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
