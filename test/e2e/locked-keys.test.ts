/**
 * Which keys a daemon locks into memory that may lock only a little, as in a container: no CAP_IPC_LOCK, no
 * CAP_SYS_RESOURCE, and a low limit. Keys are looked for in its memory, so no layout is taken for granted.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Daemon } from "./support/daemon.ts";
import { waitFor } from "./support/exec.ts";
import { type Implementation, wasmguardOnNode } from "./support/implementations.ts";
import { playStates } from "./support/key-states.ts";
import { type Find, scanMemory } from "./support/memory-scan.ts";
import { openDaemon } from "./support/tunnel.ts";
import { makeKeyPair, makePresharedKey } from "./support/wireguard.ts";

type Bed = Awaited<ReturnType<typeof openDaemon>>;

/** What Docker gave containers for long. */
const DOCKER_LIMIT = 65_536;

function limited(bytes: number): Implementation {
  const { name, command } = wasmguardOnNode;
  const prefix = ["prlimit", `--memlock=${bytes}:${bytes}`, "setpriv", "--bounding-set=-ipc_lock,-sys_resource"];
  return { ...wasmguardOnNode, name: `${name} that may lock ${bytes} bytes`, command: [...prefix, ...command] };
}

/** Address ranges that are locked (VmFlags "lo"). */
function lockedRanges(pid: number): [number, number][] {
  const ranges: [number, number][] = [];
  let range: [number, number] = [0, 0];
  for (const line of readFileSync(`/proc/${pid}/smaps`, "latin1").split("\n")) {
    const header = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (header) range = [Number.parseInt(header[1]!, 16), Number.parseInt(header[2]!, 16)];
    else if (/^VmFlags:.* lo( |$)/.test(line)) ranges.push(range);
  }
  return ranges;
}

/** Of each secret: the places where it lies, as "locked" or "unlocked". */
function places(pid: number, secrets: readonly string[], finds: readonly Find[]): Record<string, string[]> {
  const ranges = lockedRanges(pid);
  const place = ({ address }: Find) =>
    ranges.some(([from, to]) => address >= from && address + 32 <= to) ? "locked" : "unlocked";
  const of = (name: string) => finds.filter(({ secret, form }) => secret === name && form === "bytes");
  return Object.fromEntries(secrets.map((name) => [name, of(name).map(place)]));
}

function scan(daemon: Daemon, secrets: Record<string, Buffer>): Record<string, string[]> {
  const [pid = 0] = daemon.pids();
  return places(pid, Object.keys(secrets), scanMemory(pid, secrets));
}

const bytes = (base64: string): Buffer => Buffer.from(base64, "base64");

/** As `wg addconf` with this text. */
async function addConfiguration({ topology, daemon }: Bed, text: string): Promise<void> {
  const path = join(topology.directory, "addition.conf");
  writeFileSync(path, text, { mode: 0o600 });
  await daemon.wg("addconf", daemon.interface, path);
}

/** Add peers, in one request. @returns their preshared keys */
async function addPeers(bed: Bed, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, makePresharedKey);
  const sections = keys.map((key) => `[Peer]\nPublicKey = ${makeKeyPair().publicKey}\nPresharedKey = ${key}\n`);
  await addConfiguration(bed, sections.join(""));
  return keys;
}

test("with 64 KiB the private key and the keys of 16 peers are locked, and the log says when there is one more", async (ctx) => {
  const bed = await openDaemon(ctx, limited(DOCKER_LIMIT));
  const { daemon, namespace } = bed;
  const { privateKey } = makeKeyPair();
  await addConfiguration(bed, `[Interface]\nPrivateKey = ${privateKey}\n`);
  const first = await addPeers(bed, 16);
  const secrets = { private: bytes(privateKey), first: bytes(first[0]!), sixteenth: bytes(first[15]!) };
  expect(scan(daemon, secrets)).toEqual({ private: ["locked"], first: ["locked"], sixteenth: ["locked"] });
  expect(daemon.log()).not.toContain("may be written to swap");
  const [further = ""] = await addPeers(bed, 1);
  expect(scan(daemon, { further: bytes(further) })).toEqual({ further: ["unlocked"] });
  expect(await waitFor(() => daemon.log().includes("more than 16 peers may be written to swap"), 15_000)).toBe(true);
  const statistics = await namespace.run([...wasmguardOnNode.command, "show", daemon.interface, "--stats"]);
  expect(statistics).toMatch(/key_memory_locked_peers +16\n/);
});

test("with 64 KiB a peer's handshake and session keys are locked too, all the time", async (ctx) => {
  const { daemon, namespace } = await openDaemon(ctx, limited(DOCKER_LIMIT));
  const [pid = 0] = daemon.pids();
  const states = await playStates(namespace, pid, daemon.interface, "layout");
  const seen = new Set<string>();
  for (const { state, secrets, finds } of states) {
    for (const [secret, where] of Object.entries(places(pid, secrets, finds))) {
      if (where.length > 0) seen.add(secret);
      expect([state, secret, where.filter((place) => place === "unlocked")]).toEqual([state, secret, []]);
    }
  }
  const sessions = ["session, receiving", "session, sending"];
  expect([...seen].sort()).toEqual(["chaining", "ephemeral", "preshared", "private", ...sessions]);
});

test("with no memory to lock it works all the same, and says that its private key is not locked", async (ctx) => {
  const { daemon } = await openDaemon(ctx, limited(0));
  expect(await waitFor(() => daemon.log().includes("the private key may be written to swap"), 15_000)).toBe(true);
  expect(lockedRanges(daemon.pids()[0]!)).toEqual([]);
});
