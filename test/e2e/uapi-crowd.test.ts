/** `wg show` is answered whatever other clients of the configuration socket do, or leave undone. */
import { connect, type Socket } from "node:net";
import { expect, type TestContext, test } from "vitest";
import { attempt } from "./support/exec.ts";
import { subject } from "./support/implementations.ts";
import { openDaemon } from "./support/tunnel.ts";

const ANSWER_LIMIT_MS = 8_000;

/** Clients that each write `text` once connected, and never read. They leave when the test ends. */
function crowd(ctx: TestContext, socket: string, size: number, text: string): Socket[] {
  return Array.from({ length: size }, () => {
    const client = connect(socket, () => client.write(text));
    client.on("error", () => {});
    client.pause();
    ctx.onTestFinished(() => void client.destroy());
    return client;
  });
}

for (const [what, size, text] of [
  ["say nothing", 200, ""],
  ["stop in the middle of a line", 200, "get=1"],
  ["stop in the middle of a set", 200, "set=1\nlisten_port=12345\n"],
  ["never read their answers", 40, "get=1\n\n".repeat(4000)],
] as const) {
  test(`wg show is answered while clients ${what}`, async (ctx) => {
    const { daemon } = await openDaemon(ctx, subject);
    crowd(ctx, daemon.socket, size, text);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { code, stdout } = await attempt(["wg", "show", daemon.interface], { timeoutMs: ANSWER_LIMIT_MS });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`interface: ${daemon.interface}`) });
  });
}
