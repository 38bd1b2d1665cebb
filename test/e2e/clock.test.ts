/**
 * The wall clock is set while the tunnel is in use, as NTP does after a start without a battery: nobody slept, so nothing is lost.
 * The daemon's own view of the wall clock is shifted by a small library in front of the C library; the machine's is left alone.
 */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./support/exec.ts";
import { subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun, requireLab } from "./support/requirements.ts";
import { Topology } from "./support/topology.ts";
import { PingStream, reaches } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";

const SHIM = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *step;
__attribute__((constructor)) static void begin(void) {
  int fd = open(getenv("CLOCK_STEP"), O_RDONLY);
  if (fd >= 0) step = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
}
static long now(struct timespec *t) {
  long result = syscall(SYS_clock_gettime, CLOCK_REALTIME, t);
  if (step) t->tv_sec += *step;
  return result;
}
int clock_gettime(clockid_t clock, struct timespec *t) {
  return clock == CLOCK_REALTIME ? now(t) : syscall(SYS_clock_gettime, clock, t);
}
int gettimeofday(struct timeval *restrict v, void *restrict zone) {
  struct timespec t;
  now(&t);
  v->tv_sec = t.tv_sec;
  v->tv_usec = t.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at) {
  struct timespec t;
  now(&t);
  if (at) *at = t.tv_sec;
  return t.tv_sec;
}
`;

test("the clock is set forward and back by hours: traffic goes on", async (ctx) => {
  requireLab(ctx, "cc");
  if (subject === wireguardGo) cannotRun(ctx, "its clock is not shifted by a library in front of the C library");
  await using files = new Topology();
  const [library, source] = [join(files.directory, "shim.so"), files.file("shim.c", SHIM)];
  await run(["cc", "-shared", "-fPIC", "-o", library, source]);
  const step = join(files.directory, "step");
  writeFileSync(step, Buffer.alloc(8));
  const set = (seconds: bigint): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(seconds);
    const fd = openSync(step, "r+");
    writeSync(fd, bytes, 0, 8, 0);
    closeSync(fd);
  };
  const environment = { near: { LD_PRELOAD: library, CLOCK_STEP: step } };
  const { near, far } = await openTunnel(ctx, { name: "", near: subject, far: subject }, { environment });
  expect(await reaches(near.namespace, far.inside("ipv4"), 5000)).toBe(true);
  const handshake = Number((await near.daemon.wg("show", near.interface, "latest-handshakes")).split("\t")[1]);
  await using stream = new PingStream(far.namespace, near.inside("ipv4"));
  for (const seconds of [3_600n, 0n, -86_400n, 315_360_000n]) {
    set(seconds);
    expect(await stream.more(30, 5000)).toBe(true);
  }
  const { sent, received } = await stream.stop();
  expect(sent - received).toBeLessThanOrEqual(3);
  expect(Number((await near.daemon.wg("show", near.interface, "latest-handshakes")).split("\t")[1])).toBe(handshake);
  // The library is in place: a handshake after the step bears its date.
  await near.namespace.ip("link", "set", near.interface, "down");
  await near.namespace.ip("link", "set", near.interface, "up");
  expect(await reaches(near.namespace, far.inside("ipv4"), 7000)).toBe(true);
  const later = Number((await near.daemon.wg("show", near.interface, "latest-handshakes")).split("\t")[1]);
  expect(later - handshake).toBeGreaterThan(315_000_000);
});
