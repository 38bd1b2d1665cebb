/** A service that is asked to end, in each of its moments: what is left of the tunnel, and what its manager is told. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CliError } from "../../../../host/cli/command-errors.ts";
import { interruptible } from "../../../../host/cli/quick/shell.ts";
import { requireAbsence, setUp } from "../../../../host/cli/quick/up.ts";
import { run } from "../../../../host/cli/service/run.ts";
import { type DaemonOptions, runDaemon } from "../../../../host/daemon/daemon.ts";
import { generatePrivateKey } from "../../../../host/index.ts";
import type { RunningService, Services } from "../../../../host/os/services.ts";

vi.mock("../../../../host/daemon/daemon.ts", () => ({ runDaemon: vi.fn() }));
vi.mock("../../../../host/cli/quick/systems.ts", () => ({
  quickSystem: async () => ({ undo: async () => void events.push("undone") }),
}));
vi.mock("../../../../host/cli/quick/up.ts", () => ({ requireAbsence: vi.fn(), setUp: vi.fn() }));

let folder: string;
let events: string[];
let manager: AbortController;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-service-"));
  const key = Buffer.from(generatePrivateKey()).toString("base64");
  writeFileSync(join(folder, "wg9.conf"), `[Interface]\nPrivateKey = ${key}\n`);
  events = [];
  manager = new AbortController();
  vi.mocked(runDaemon).mockImplementation(async ({ onReady, signal }: DaemonOptions) => {
    events.push("device");
    onReady();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    events.push("device gone");
  });
  vi.spyOn(process, "exit").mockImplementation((code) => {
    events.push(`exit ${code}`);
    return undefined as never;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const stop = (): void => manager.abort("its manager");

function start(ready: () => void = () => {}): Promise<never> {
  const service: RunningService = {
    signal: manager.signal,
    ready() {
      events.push("ready");
      ready();
    },
    log: (event, message) => void events.push(`${event}: ${message}`),
    ended: (outcome) => void events.push(outcome),
  };
  return run({ enter: async () => service } as unknown as Services, ["wg9", join(folder, "wg9.conf")]);
}

it("once it has started", async () => {
  await start(() => queueMicrotask(stop));
  expect(events).toEqual(["device", "ready", "undone", "device gone", "in order", "exit 0"]);
});

it("while a name is looked up", async () => {
  vi.mocked(setUp).mockImplementationOnce(() => {
    queueMicrotask(stop);
    return interruptible(new Promise(() => {}));
  });
  await start();
  expect(events).toEqual(["device", "undone", "device gone", "in order", "exit 0"]);
});

it("in a step that ends well all the same", async () => {
  vi.mocked(setUp).mockImplementationOnce(async () => stop());
  await start();
  expect(events).toEqual(["device", "undone", "device gone", "in order", "exit 0"]);
});

it("before there is a device", async () => {
  vi.mocked(requireAbsence).mockImplementationOnce(async () => stop());
  await start();
  expect(events).toEqual(["in order", "exit 0"]);
});

it("is not started again for what goes wrong then", async () => {
  vi.mocked(setUp).mockImplementationOnce(async () => {
    stop();
    throw new CliError("no route", "Add one");
  });
  await start();
  expect(events.slice(3)).toEqual([expect.stringMatching(/^error: no route/), "in order", "exit 1"]);
});

it("does not hide why one failed that nobody asked", async () => {
  vi.mocked(setUp).mockRejectedValueOnce(new CliError("no route", "Add one"));
  await start();
  expect(events).toEqual([
    "device",
    "undone",
    "device gone",
    expect.stringMatching(/^error: no route/),
    "failed",
    "exit 1",
  ]);
});
