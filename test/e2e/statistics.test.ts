/** What the daemon tells of itself: `show --stats`, and Prometheus text where it was asked for. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { ping } from "./support/traffic.ts";
import { openDaemon, openTunnel } from "./support/tunnel.ts";

const PORT = 9586;
const FETCH = `const r = await fetch(process.argv[1], { headers: { Authorization: "Bearer " + process.argv[2] } });
  console.log(r.status, r.headers.get("content-type")); console.log(await r.text())`;

test("show --stats counts what was sent, received and dropped", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go keeps no statistics");
  const { near, far } = await openTunnel(ctx, { name: "", near: wasmguardOnNode, far: wasmguardOnNode });
  await ping(near.namespace, far.inside("ipv4"), { count: 3 });
  await near.namespace.attempt(["ping", "-c", "1", "-W", "1", "-I", near.interface, "203.0.113.99"]);
  const text = await near.namespace.run([...wasmguardOnNode.command, "show", near.interface, "--stats"]);
  expect(text).toMatch(/^interface: /);
  expect(text).toMatch(/handshake_messages_total\{direction="sent",message="initiation"\} +1\n/);
  expect(text).toMatch(/handshake_messages_total\{direction="received",message="response"\} +1\n/);
  expect(text).toMatch(/confinement_info\{user="\w+",/);
  expect(text).toMatch(/dropped_packets_total\{reason="no_peer"\} +[1-9]/);
  expect(text).toMatch(
    new RegExp(`sent_bytes_total\\{public_key="${far.keys.publicKey.replaceAll("+", "\\+")}"\\} +[1-9]`),
  );
});

test("Prometheus text is served on a loopback port to who has the token, and nowhere without the option", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go serves no metrics");
  const program = { ...wasmguardOnNode, command: [...wasmguardOnNode.command, "--metrics", `127.0.0.1:${PORT}`] };
  const { namespace, daemon } = await openDaemon(ctx, program);
  const node = wasmguardOnNode.command[0]!;
  const tokenFile = daemon.socket.replace(/\.sock$/, ".metrics-token");
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  const fetchWith = (token: string): Promise<string> =>
    namespace.run([node, "-e", FETCH, `http://127.0.0.1:${PORT}/metrics`, token]);
  const refused = await fetchWith("guessed");
  expect(refused).toMatch(/^401 /);
  expect(refused).not.toMatch(/wasmguard_/);
  const text = await fetchWith(readFileSync(tokenFile, "utf8").trim());
  expect(text).toMatch(/^200 text\/plain; version=0\.0\.4/);
  expect(text).toMatch(/# TYPE wasmguard_dropped_packets_total counter/);
  expect(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .slice(1),
  ).toSatisfy((lines: string[]) => lines.every((line) => /^wasmguard_\w+(\{[^}]*\})? \d+$/.test(line)));
  const other = await openDaemon(ctx, wasmguardOnNode);
  expect(await other.namespace.run(["ss", "-Htln"])).toBe("");
  daemon.signal("SIGTERM");
  expect(await daemon.ends(15_000)).toBe(true);
  expect(existsSync(tokenFile)).toBe(false);
});

test("a unix socket for metrics is the owner's alone and goes with the daemon", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go serves no metrics");
  const path = `/tmp/wasmguard-e2e-${process.pid}.metrics`;
  const program = { ...wasmguardOnNode, command: [...wasmguardOnNode.command, "--metrics", path] };
  const { daemon } = await openDaemon(ctx, program);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  daemon.signal("SIGTERM");
  expect(await daemon.ends(15_000)).toBe(true);
  expect(existsSync(path)).toBe(false);
});

test("an address that the network could reach is refused", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go serves no metrics");
  const { namespace } = await openDaemon(ctx, wasmguardOnNode);
  const result = await namespace.attempt([...wasmguardOnNode.command, "--metrics", "0.0.0.0:9586", "wgrefused"]);
  expect(result.code).toBeGreaterThan(0);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
  expect(result.stderr).toMatch(/loopback/);
});
