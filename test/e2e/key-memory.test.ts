/**
 * Every key in all memory of the running daemon, in each of its states: in one place while it is in use, nowhere
 * otherwise. The test is the daemon's remote peer, so it knows the session keys (support/key-scenario.ts).
 */
import { describe, expect, test } from "vitest";
import { findRuntime, type RuntimeName } from "../support/runtimes.ts";
import { type Implementation, wasmguard, wireguardGo } from "./support/implementations.ts";
import { playStates, type State } from "./support/key-states.ts";
import { cannotRun } from "./support/requirements.ts";
import { openDaemon } from "./support/tunnel.ts";

const ONCE = ["bytes", "first half", "second half"];

/** In which forms a secret was found, one entry for each place. */
function formsOf({ finds }: State, secret: string): string[] {
  return finds.filter((find) => find.secret === secret).map(({ form }) => form);
}

const runtimes: { name: RuntimeName; args: readonly string[] }[] = [
  { name: "node26", args: [] },
  { name: "node22", args: [] },
  { name: "deno", args: ["run", "--quiet", "--allow-all"] },
  { name: "bun", args: [] },
];

describe.each(runtimes)("wasmguard on $name", ({ name, args }) => {
  test("a key in use is in one place, and a key not in use in none", async (ctx) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) cannotRun(ctx, runtime.reason);
    const implementation: Implementation = wasmguard(name, [runtime.path, ...args]);
    const { daemon, namespace } = await openDaemon(ctx, implementation);
    const [idle, waiting, traffic, removed, empty] = await playStates(
      namespace,
      daemon.pids()[0]!,
      daemon.interface,
      "layout",
    );
    const inUse: [State | undefined, string[]][] = [
      [idle, ["private", "preshared"]],
      [waiting, ["private", "preshared", "ephemeral", "chaining"]],
      [traffic, ["private", "preshared", "session, sending", "session, receiving"]],
      [removed, ["private"]],
      [empty, []],
    ];
    for (const [state, live] of inUse) {
      expect(state!.secrets).toEqual(expect.arrayContaining(live));
      for (const secret of state!.secrets) {
        const found = formsOf(state!, secret).sort();
        expect([state!.state, secret, found]).toEqual([state!.state, secret, live.includes(secret) ? ONCE : []]);
      }
    }
    daemon.signal("SIGTERM");
    expect(await daemon.ends(15_000)).toBe(true);
  });
});

test("the scan finds copies where there are some: wireguard-go keeps them", async (ctx) => {
  const { daemon, namespace } = await openDaemon(ctx, wireguardGo);
  const states = await playStates(namespace, daemon.pids()[0]!, daemon.interface);
  const last = states.at(-1)!;
  expect(formsOf(states[0]!, "private").filter((form) => form === "hex").length).toBeGreaterThan(1);
  expect(last.secrets.flatMap((secret) => formsOf(last, secret)).length).toBeGreaterThan(0);
});
