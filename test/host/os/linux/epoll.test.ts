import { Worker } from "node:worker_threads";
import { beforeEach, expect, test } from "vitest";
import { WAIT } from "../../../../host/ffi/constants.ts";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { drainEventfd, Epoll, epollBytes, openEventfd, signalEventfd } from "../../../../host/os/linux/epoll.ts";
import { FAILED, READABLE, WRITABLE } from "../../../../host/os/readiness.ts";

const AREA = 1024;
let libc: Libc;
beforeEach(async () => {
  libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
});

test("what one waits for has epoll's numbers", () => {
  expect([READABLE, WRITABLE, FAILED]).toEqual([WAIT.EPOLLIN, WAIT.EPOLLOUT, WAIT.EPOLLERR | WAIT.EPOLLHUP]);
});

test("ready descriptors come back as their tokens", () => {
  const epoll = new Epoll(libc, AREA, 4);
  const [a, b, c] = [openEventfd(libc), openEventfd(libc), openEventfd(libc)];
  epoll.add(a, 7);
  epoll.add(b, 0xfffffffe);
  epoll.add(c, 9);
  expect(epoll.wait(0)).toBe(0);
  signalEventfd(libc, b);
  signalEventfd(libc, c);
  expect(epoll.wait(Infinity)).toBe(2);
  expect([epoll.token(0), epoll.token(1)].sort()).toEqual([0xfffffffe, 9].sort());
  expect(epoll.events(0)).toBe(READABLE);
  drainEventfd(libc, b);
  epoll.remove(c);
  expect(epoll.wait(0)).toBe(0);
  epoll.modify(a, 8, READABLE | WRITABLE);
  expect([epoll.wait(0), epoll.token(0), epoll.events(0)]).toEqual([1, 8, WRITABLE]);
  epoll.close();
  for (const fd of [a, b, c]) libc.close(fd);
});

test("the timeout is rounded up, never down", () => {
  const epoll = new Epoll(libc, AREA, 1);
  for (const timeout of [0.2, 3.1, 7.9]) {
    const start = performance.now();
    expect(epoll.wait(timeout)).toBe(0);
    expect(performance.now() - start).toBeGreaterThanOrEqual(timeout);
  }
  epoll.close();
});

test("no more events are reported than there is room for", () => {
  const epoll = new Epoll(libc, AREA, 2);
  const fds = [1, 2, 3, 4].map((token) => {
    const fd = openEventfd(libc);
    epoll.add(fd, token);
    signalEventfd(libc, fd);
    return fd;
  });
  const bytes = new Uint8Array(libc.memory.buffer);
  bytes.fill(0xaa, AREA + epollBytes(2), AREA + epollBytes(2) + 64);
  expect(epoll.wait(0)).toBe(2);
  expect(bytes.slice(AREA + epollBytes(2), AREA + epollBytes(2) + 64).every((byte) => byte === 0xaa)).toBe(true);
  epoll.close();
  for (const fd of fds) libc.close(fd);
});

test("an eventfd wakes a thread that waits for ever; both see linear memory at the same address", async () => {
  const wake = openEventfd(libc);
  const module = new URL("../../daemon/support/waiting-thread.ts", import.meta.url);
  const worker = new Worker(module, { workerData: { memory: libc.memory, wake } });
  const messages: unknown[] = [];
  const ended = new Promise((resolve) => worker.on("exit", resolve));
  await new Promise<void>((resolve) => {
    worker.on("message", (message) => {
      messages.push(message);
      resolve();
    });
  });
  signalEventfd(libc, wake);
  await ended;
  expect(messages).toEqual([`waits at ${libc.base}`, "woken with token 5"]);
  libc.close(wake);
});

test("signalling an eventfd that is full is no error", () => {
  const wake = openEventfd(libc);
  new DataView(libc.memory.buffer).setBigUint64(8, 0xfffffffffffffffen, true);
  expect(libc.write(wake, 8, 8)).toBe(8);
  signalEventfd(libc, wake);
  libc.close(wake);
});
