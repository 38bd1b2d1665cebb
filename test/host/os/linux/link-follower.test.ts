// An interface that moves through network namespaces of the test's own, as seen from the first one.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Libc, openLibc } from "../../../../host/ffi/libc.ts";
import { LinkFollower } from "../../../../host/os/linux/link-follower.ts";
import { type LinuxTun, openTun } from "../../../../host/os/linux/tun.ts";
import { enterNetworkNamespace, ip } from "../../../support/namespace.ts";

const NAME = "wgio9";

let missing: string | undefined;
let libc: Libc;
let tun: LinuxTun;
let follower: LinkFollower;
let rooms: ChildProcess[];

beforeAll(async () => {
  missing = await enterNetworkNamespace();
  libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
});
beforeEach((ctx) => {
  rooms = [];
  if (missing !== undefined) return ctx.skip(missing);
  follower = new LinkFollower(libc);
  if (follower.fd < 0) return ctx.skip("no right to hear of other namespaces");
  tun = openTun(libc, NAME);
  follower.seenAtHome(tun.index);
});
afterEach(() => {
  follower?.close();
  tun?.close();
  for (const room of rooms) room.kill();
});

/** A process in a namespace of its own; iproute2 can name a namespace by it. */
async function openRoom(): Promise<number> {
  const room = spawn("unshare", ["--net", "sleep", "30"]);
  rooms.push(room);
  const home = readlinkSync("/proc/thread-self/ns/net");
  while (readlinkSync(`/proc/${room.pid}/ns/net`) === home) await new Promise((resolve) => setTimeout(resolve, 5));
  return room.pid!;
}

/** Run iproute2 there. */
function ipIn(room: number, args: string): void {
  execFileSync("nsenter", [`--net=/proc/${room}/ns/net`, "ip", ...args.split(" ")]);
}

function news(): number[] {
  const seen: number[] = [];
  follower.read((mtu) => seen.push(mtu));
  return seen;
}

test("its MTU in another namespace is told, that of others is not", async () => {
  const room = await openRoom();
  ip(`link set ${NAME} mtu 1300`);
  expect(news()).toEqual([]);
  expect(follower.isAway).toBe(false);
  ip(`link set ${NAME} netns ${room}`);
  ipIn(room, `link set ${NAME} mtu 1280`);
  ipIn(room, "link set lo mtu 1290");
  const seen = news();
  expect(follower.isAway).toBe(true);
  expect([seen[0], seen.at(-1)]).toEqual([1300, 1280]);
  expect(seen).not.toContain(1290);
});

test("its new name there does not matter", async () => {
  const room = await openRoom();
  ip(`link set ${NAME} netns ${room}`);
  ipIn(room, `link set ${NAME} name other`);
  ipIn(room, "link set other mtu 1281");
  expect(news().at(-1)).toBe(1281);
});

test("from there, it moves out of sight", async () => {
  const [room, second] = [await openRoom(), await openRoom()];
  ip(`link set ${NAME} netns ${room}`);
  ipIn(room, `link set ${NAME} netns ${second}`);
  ipIn(second, `link set ${NAME} mtu 1282`);
  expect(news()).not.toContain(1282);
  expect(follower.isAway).toBe(false);
});
