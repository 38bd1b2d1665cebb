import { beforeEach, expect, test } from "vitest";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { drainEventfd, Epoll, epollBytes, openEventfd, signalEventfd } from "../../../../host/os/linux/epoll.ts";
import { PollSet, pollSetBytes } from "../../../../host/os/linux/poll-set.ts";

const AREA = 1024;
let libc: Libc;
beforeEach(async () => {
  libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
});

test("tells which places are ready", () => {
  const poll = new PollSet(libc, AREA, 3);
  const [a, b] = [openEventfd(libc), openEventfd(libc)];
  poll.set(0, a);
  poll.set(2, b);
  expect(poll.wait(0)).toBe(0);
  signalEventfd(libc, b);
  expect(poll.wait(Infinity)).toBe(1);
  expect([0, 1, 2].map((place) => poll.ready(place))).toEqual([false, false, true]);
  drainEventfd(libc, b);
  signalEventfd(libc, a);
  expect(poll.wait(Infinity)).toBe(1);
  expect([0, 1, 2].map((place) => poll.ready(place))).toEqual([true, false, false]);
  for (const fd of [a, b]) libc.close(fd);
});

test("what a place had ready is not taken for what comes in its stead", () => {
  const poll = new PollSet(libc, AREA, 1);
  const [a, b] = [openEventfd(libc), openEventfd(libc)];
  signalEventfd(libc, a);
  poll.set(0, a);
  expect([poll.wait(0), poll.ready(0)]).toEqual([1, true]);
  poll.set(0, b);
  expect(poll.ready(0)).toBe(false);
  expect([poll.wait(0), poll.ready(0)]).toEqual([0, false]);
  poll.set(0, -1);
  expect([poll.wait(0), poll.ready(0)]).toEqual([0, false]);
  for (const fd of [a, b]) libc.close(fd);
});

test("an epoll descriptor is ready when one of its own is", () => {
  const epoll = new Epoll(libc, AREA, 2);
  const poll = new PollSet(libc, AREA + epollBytes(2), 1);
  const fd = openEventfd(libc);
  epoll.add(fd, 5);
  poll.set(0, epoll.fd);
  expect(poll.wait(0)).toBe(0);
  signalEventfd(libc, fd);
  expect([poll.wait(0), poll.ready(0), epoll.wait(0), epoll.token(0)]).toEqual([1, true, 1, 5]);
  epoll.close();
  libc.close(fd);
});

test.each([0.2, 5, 30])("waits no less than %d ms", (timeout) => {
  const poll = new PollSet(libc, AREA, 1);
  const start = performance.now();
  expect(poll.wait(timeout)).toBe(0);
  expect(performance.now() - start).toBeGreaterThanOrEqual(timeout - 0.1);
});

test.each([0.3, 2.5])("waits no less than %d ms, to the microsecond", (timeout) => {
  const poll = new PollSet(libc, AREA, 1);
  const start = performance.now();
  expect(poll.waitBriefly(timeout)).toBe(0);
  expect(performance.now() - start).toBeGreaterThanOrEqual(timeout - 0.01);
});

test("a brief wait tells which places are ready, too", () => {
  const poll = new PollSet(libc, AREA, 2);
  const fd = openEventfd(libc);
  poll.set(1, fd);
  signalEventfd(libc, fd);
  expect([poll.waitBriefly(900), poll.ready(0), poll.ready(1)]).toEqual([1, false, true]);
  libc.close(fd);
});

test("a pause lasts, whatever is ready", () => {
  const poll = new PollSet(libc, AREA, 1);
  const fd = openEventfd(libc);
  poll.set(0, fd);
  signalEventfd(libc, fd);
  const start = performance.now();
  poll.pause(2.5);
  expect(performance.now() - start).toBeGreaterThanOrEqual(2.49);
  expect(poll.ready(0)).toBe(false);
  expect([poll.wait(0), poll.ready(0)]).toEqual([1, true]);
  libc.close(fd);
});

test("takes the bytes it asks for, and no more", () => {
  const bytes = new Uint8Array(libc.memory.buffer).fill(0xaa);
  new PollSet(libc, AREA, 3).wait(0);
  expect(bytes[AREA - 1]).toBe(0xaa);
  expect(bytes[AREA + pollSetBytes(3)]).toBe(0xaa);
});
