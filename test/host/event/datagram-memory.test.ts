/** Whose the memory of a received datagram is, once it has been read. */
import { Socket } from "node:dgram";
import { afterEach, expect, it, vi } from "vitest";
import type { DatagramSocket } from "../../../host/event/datagram-socket.ts";
import { openNodeSocket } from "../../../host/event/datagram-socket-node.ts";

let socket: DatagramSocket | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await socket?.close();
});

/** @returns what the runtime would call with a datagram */
async function open(received: (datagram: Uint8Array) => void): Promise<(datagram: Uint8Array) => void> {
  const on = vi.spyOn(Socket.prototype, "on");
  socket = await openNodeSocket({
    family: 4,
    address: "127.0.0.1",
    port: 0,
    longest: 1467,
    events: { received, lost() {}, failed() {}, full() {}, drained() {} },
  });
  const [, receive] = on.mock.calls.findLast(([event]) => event === "message")!;
  return (datagram) => (receive as (...args: unknown[]) => void)(datagram, { address: "127.0.0.1", port: 9 });
}

it("it is given back, after it was read", async () => {
  const read: number[][] = [];
  const comes = await open((datagram) => read.push([...datagram]));
  const datagram = Uint8Array.of(1, 2, 3);
  comes(datagram);
  expect(read).toEqual([[1, 2, 3]]);
  // Node 20 has to keep it.
  expect(datagram).toHaveLength("transfer" in ArrayBuffer.prototype ? 0 : 3);
});

it("what others have a part of is left to them", async () => {
  const comes = await open(() => {});
  const shared = new Uint8Array(8);
  comes(shared.subarray(0, 4));
  comes(shared.subarray(4));
  expect(shared).toHaveLength(8);
});

it("nothing, and what is gone already, harm nobody", async () => {
  const comes = await open((datagram) => structuredClone(datagram, { transfer: [datagram.buffer] }));
  comes(new Uint8Array(4));
  comes(new Uint8Array(0));
  expect(socket!.port).toBeGreaterThan(0);
});
