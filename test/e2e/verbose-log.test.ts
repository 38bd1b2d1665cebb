/** What a verbose log tells of the protocol, and what it never does. */
import { expect, test } from "vitest";
import { waitFor } from "./support/exec.ts";
import { subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { ping } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";

const pair = { name: "", near: wasmguardOnNode, far: wasmguardOnNode };
const VERBOSE = { environment: { near: { LOG_LEVEL: "verbose" }, far: { LOG_LEVEL: "verbose" } } };
const FLOOD = `import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(2000): s.sendto(bytes([1 + i % 4, 0, 0, 0]) + os.urandom(144 if i % 4 != 1 else 88), (sys.argv[1], int(sys.argv[2])))`;

test("a verbose log tells of handshakes and keys by a part of the public key, and of nothing secret", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go's log is its own affair");
  const { near, far } = await openTunnel(ctx, pair, VERBOSE);
  await ping(near.namespace, far.inside("ipv4"), { count: 2 });
  const name = `peer(${far.keys.publicKey.slice(0, 4)}…${far.keys.publicKey.slice(39, 43)})`;
  for (const text of ["sent a handshake initiation to ", "got a handshake response", "is at ", "new keys are in use"]) {
    expect(near.daemon.log()).toContain(`${name}: `);
    expect(near.daemon.log()).toContain(text);
  }
  expect(far.daemon.log()).toMatch(/got a handshake initiation\n.*: is at [^\n]+\n.*sent a handshake response\n/);
  for (const { daemon } of [near, far]) {
    for (const { keys } of [near, far]) {
      for (const key of [keys.privateKey, keys.publicKey]) expect(daemon.log()).not.toContain(key.slice(5, 40));
    }
  }
});

test("garbage is told by cause, in a line or two a second, however much of it comes", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go's log is its own affair");
  const { near, far } = await openTunnel(ctx, pair, VERBOSE);
  await ping(near.namespace, far.inside("ipv4"), { count: 1 });
  await near.namespace.run(["python3", "-c", FLOOD, far.outside("ipv4"), String(far.port)]);
  const told = await waitFor(() => /dropped \d+ [^\n]+\(mac1\)/.test(far.daemon.log()), 15_000);
  expect(told).toBe(true);
  expect(far.daemon.log()).toMatch(/dropped \d+ messages to a session that is not there [^\n]+\(index\)/);
  expect(far.daemon.log().split("\n").length).toBeLessThan(120);
});
