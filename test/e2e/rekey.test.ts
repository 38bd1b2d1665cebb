/**
 * A new session replaces the old one while packets flow, and none is lost. The 120 s of the paper are shortened by the
 * program's option for tests; a program without one can only answer.
 */
import { describe, expect, test } from "vitest";
import { Capture } from "./support/capture.ts";
import { waitFor } from "./support/exec.ts";
import { pairs } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { PingStream, reaches } from "./support/traffic.ts";
import { openTunnel } from "./support/tunnel.ts";

const REKEY_AFTER_MS = 1000;
/** Two rekeys, with 5 s between two initiations at least. */
const TWO_REKEYS_MS = 30_000;

describe.each(pairs)("$name", (pair) => {
  test("two rekeys under traffic lose no packet", async (ctx) => {
    // Only the initiator of a session rekeys it by age: the end with the option sends first.
    const initiator = pair.near.rekeyingAfter ? "near" : "far";
    const program = pair[initiator].rekeyingAfter?.(REKEY_AFTER_MS);
    if (!program) cannotRun(ctx, `${pair[initiator].name} cannot be told to rekey sooner`);
    const tunnel = await openTunnel(ctx, { ...pair, [initiator]: program });
    const { namespace } = tunnel[initiator];
    const target = tunnel.other(tunnel[initiator]).inside("ipv4");
    await using capture = await Capture.start(tunnel.topology, namespace, tunnel.link);
    expect(await reaches(namespace, target, 15_000)).toBe(true);
    const initiations = () => capture.messages("initiation").length;
    const first = initiations();

    await using stream = new PingStream(namespace, target, 0.01);
    expect(await waitFor(() => initiations() >= first + 2, TWO_REKEYS_MS, 200)).toBe(true);
    expect(await stream.more(50, 15_000)).toBe(true);
    const { sent, received } = await stream.stop();
    expect(sent - received).toBeLessThanOrEqual(1); // the last one may be on its way
    expect(capture.messages("response")).toHaveLength(initiations());
  });
});
