/** Whatever becomes of the descriptors that the daemon was started with, the tunnel goes on. */
import { expect, type TestContext, test } from "vitest";
import { attempt, waitFor } from "./support/exec.ts";
import { subject, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import type { Namespace } from "./support/topology.ts";
import { openTopology } from "./support/tunnel.ts";

const NAME = "wgstdio";
/** What a pipe of 64 KiB has taken beforehand, and flaps for more lines than there is room for then: two lines each. */
const PREFILL_BYTES = 64_000;
const FLAPS = 60;

/** Start in the foreground, its descriptors set up by the shell; the shell ends with the test. */
async function startWith(ctx: TestContext, redirection: string, before = ""): Promise<Namespace> {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go's log is its own affair");
  const namespace = await openTopology(ctx, subject).namespace("only");
  const script = `${before}\nexec "$@" ${redirection}`;
  const child = namespace.start(["bash", "-c", script, "sh", ...subject.command, "-f", NAME], {
    env: { LOG_LEVEL: "verbose" },
  });
  ctx.onTestFinished(async () => {
    await attempt(["ip", "-n", namespace.name, "link", "delete", NAME]);
    await waitFor(() => child.exitCode !== null, 15_000);
  });
  expect(await waitFor(() => answers(), 20_000)).toBe(true);
  return namespace;
}

async function answers(): Promise<boolean> {
  return (await attempt(["wg", "show", NAME], { timeoutMs: 5000 })).code === 0;
}

/** Each change of the link is a line of the log. */
async function flap(namespace: Namespace, times: number): Promise<void> {
  const line = `for i in $(seq ${times}); do ip link set ${NAME} up; ip link set ${NAME} down; done`;
  await namespace.run(["sh", "-c", line], { timeoutMs: 60_000 });
}

for (const [what, redirection, before] of [
  ["a log whose reader has gone", "", "exec > >(true) 2>&1; sleep 0.2"],
  ["a log on a disk that is full", ">/dev/full 2>/dev/full", ""],
  ["no descriptor to begin with", "<&- >&- 2>&-", ""],
] as const) {
  test(`a daemon in the foreground goes on with ${what}`, async (ctx) => {
    const namespace = await startWith(ctx, redirection, before);
    await flap(namespace, 3);
    expect(await answers()).toBe(true);
  });
}

test("a reader that stalls keeps nothing waiting, and learns afterwards how many lines it missed", async (ctx) => {
  const log = `/tmp/${NAME}-${process.pid}.log`;
  ctx.onTestFinished(async () => void (await attempt(["rm", "-f", log, `${log}.go`])));
  const reader = `until [ -e ${log}.go ]; do sleep 0.1; done; exec cat > ${log}`;
  const namespace = await startWith(ctx, "", `exec > >(${reader}) 2>&1; head -c ${PREFILL_BYTES} /dev/zero`);
  await flap(namespace, FLAPS);
  expect(await answers()).toBe(true);
  await attempt(["touch", `${log}.go`]);
  const told = await waitFor(async () => {
    await flap(namespace, 1);
    return /ERROR: .* \d+ lines of the log are lost/.test((await attempt(["cat", log])).stdout);
  }, 20_000);
  expect(told).toBe(true);
});

test("a daemon in the background starts without any descriptor", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go's log is its own affair");
  const namespace = await openTopology(ctx, subject).namespace("only");
  ctx.onTestFinished(async () => void (await attempt(["ip", "-n", namespace.name, "link", "delete", NAME])));
  const started = await namespace.attempt(["bash", "-c", '"$@" <&- >&- 2>&-', "sh", ...subject.command, NAME]);
  expect(started.code).toBe(0);
  expect(await answers()).toBe(true);
});
