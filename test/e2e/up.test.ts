/** `wasmguard up` while it waits: for a hook, for the resolver. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { waitFor } from "./support/exec.ts";
import { subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { scanMemory } from "./support/memory-scan.ts";
import { cannotRun } from "./support/requirements.ts";
import type { Namespace } from "./support/topology.ts";
import { openTopology } from "./support/tunnel.ts";
import { makeKeyPair } from "./support/wireguard.ts";

const NAME = "wgup";

interface Up {
  readonly namespace: Namespace;
  readonly pid: number;
  readonly secrets: Record<string, Buffer>;
  stderr(): string;
  /** Exit code, once it has ended. */
  code(): number | null;
}

/** Start `up` with these lines in its sections, and keys of its own. */
async function startUp(ctx: TestContext, inInterface: string, inPeer: string): Promise<Up> {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no up");
  const folder = mkdtempSync("/run/wasmguard-up-");
  ctx.onTestFinished(() => rmSync(folder, { recursive: true }));
  const namespace = await openTopology(ctx, subject).namespace("only");
  const [own, peer, shared] = [makeKeyPair(), makeKeyPair(), makeKeyPair()];
  const text = `[Interface]\nPrivateKey = ${own.privateKey}\n${inInterface}\n[Peer]
PublicKey = ${peer.publicKey}\nPresharedKey = ${shared.privateKey}\n${inPeer}\n`;
  const file = join(folder, `${NAME}.conf`);
  writeFileSync(file, text, { mode: 0o600 });
  const child = namespace.start([...wasmguardOnNode.command, "up", file], {
    env: { WG_ENDPOINT_RESOLUTION_RETRIES: "infinity" },
  });
  ctx.onTestFinished(async () => {
    child.kill("SIGTERM");
    await waitFor(() => child.exitCode !== null, 15_000);
    await namespace.attempt(["ip", "link", "delete", NAME]);
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
  });
  return {
    namespace,
    pid: child.pid!,
    secrets: {
      private: Buffer.from(own.privateKey, "base64"),
      preshared: Buffer.from(shared.privateKey, "base64"),
    },
    stderr: () => stderr,
    code: () => child.exitCode,
  };
}

for (const [what, inInterface, inPeer, reached] of [
  ["a PreUp hook runs", "PreUp = echo waiting >&2; sleep 30", "", /\nwaiting\n/],
  ["a name is looked up", "", "Endpoint = nowhere.invalid:7", /Trying again|\[#\] wasmguard/],
  ["a PostUp hook runs", "PostUp = echo waiting >&2; sleep 30", "", /\nwaiting\n/],
] as const) {
  test(`no key is in the memory of up while ${what}, and SIGTERM ends it and undoes all`, async (ctx) => {
    const up = await startUp(ctx, inInterface, inPeer);
    expect(await waitFor(() => reached.test(up.stderr()), 15_000), up.stderr()).toBe(true);
    if (what === "a name is looked up") {
      const exists = async () => (await up.namespace.attempt(["wg", "show", NAME])).code === 0;
      expect(await waitFor(exists, 10_000)).toBe(true);
    }
    expect(scanMemory(up.pid, up.secrets)).toEqual([]);
    process.kill(up.pid, "SIGTERM");
    expect(await waitFor(() => up.code() !== null, 20_000), up.stderr()).toBe(true);
    expect(up.stderr()).toMatch(/interrupted by SIGTERM\. What had been done was undone\n$/);
    expect(up.code()).toBe(1);
    expect((await up.namespace.attempt(["ip", "link", "show", NAME])).code).not.toBe(0);
  });
}

test("down and save find a tunnel whose interface a hook has moved to another network namespace", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no up");
  const topology = openTopology(ctx, wasmguardOnNode);
  const [here, there] = [await topology.namespace("here"), await topology.namespace("there")];
  const name = topology.interfaceName();
  const ran = topology.file("ran", "");
  const socket = `/run/wireguard/${name}.sock`;
  const move = (from: Namespace, to: Namespace): string => `ip -n ${from.name} link set %i netns ${to.name}`;
  const kept = "Address = 10.99.0.1/32\nMTU = 1300\n";
  const away = `[Interface]\nPrivateKey = ${makeKeyPair().privateKey}\n${kept}PostUp = ${move(here, there)}\n`;
  const back = `PreDown = ${move(there, here)}; echo PreDown >>${ran}\nPostDown = echo PostDown >>${ran}\n`;
  const file = topology.file(`${name}.conf`, away);
  const run = async (word: string) => {
    const argv = [...wasmguardOnNode.command, word, file];
    return here.attempt(argv, { env: { LOG_LEVEL: "error" } });
  };
  const succeeds = async (word: string): Promise<string> => {
    const { code, stderr } = await run(word);
    expect(code, stderr).toBe(0);
    return stderr;
  };
  await succeeds("up");
  expect(await there.ip("-br", "link")).toContain(name);
  // Nothing brings it back: it is left, and said to be. Nor is it started a second time.
  expect(await run("down")).toMatchObject({ code: 1, stderr: expect.stringContaining(`${name} is still up`) });
  expect(await run("up")).toMatchObject({ code: 1, stderr: expect.stringContaining(name) });
  expect(await there.run(["wg", "show", "interfaces"])).toContain(name);
  topology.file(`${name}.conf`, away + back);
  await succeeds("save");
  expect(readFileSync(file, "utf8")).toContain(kept);
  expect(await succeeds("down")).not.toMatch(/had ended by itself|Warning/);
  expect(readFileSync(ran, "utf8")).toBe("PreDown\nPostDown\n");
  expect(existsSync(socket)).toBe(false);
  for (const namespace of [here, there]) expect(await namespace.ip("-br", "link")).not.toContain(name);
});
