/** The daemon in the background, and who waits for its being ready. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { StartRequest } from "../../../host/cli/daemon-options.ts";
import { printPrecious } from "../../../host/cli/print.ts";
import { runInBackground } from "../../../host/cli/run-daemon.ts";
import { runDaemon } from "../../../host/daemon/daemon.ts";

vi.mock("../../../host/daemon/daemon.ts", () => ({ runDaemon: vi.fn() }));
vi.mock("../../../host/cli/print.ts", () => ({ complain: vi.fn(), print: vi.fn(), printPrecious: vi.fn() }));

/** What the daemon finds once it is ready. */
let asked: "to end" | "nothing";

beforeEach(() => {
  vi.mocked(runDaemon).mockImplementation(async ({ onReady, signal }) => {
    onReady();
    asked = signal.aborted ? "to end" : "nothing";
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

const REQUEST = { interfaceName: "wg0", logLevel: "silent" } as unknown as StartRequest;

it("goes on once it has told that it is ready", async () => {
  expect(await runInBackground(REQUEST)).toBe(0);
  expect(printPrecious).toHaveBeenCalledWith(Buffer.from("ready\n"));
  expect(asked).toBe("nothing");
});

it("ends where nobody waits any more: a start that was interrupted leaves no tunnel behind", async () => {
  vi.mocked(printPrecious).mockImplementation(() => {
    throw new Error("cannot write the output (EPIPE)");
  });
  expect(await runInBackground(REQUEST)).toBe(0);
  expect(asked).toBe("to end");
});

it("takes SIGHUP for no second request: only who asks twice otherwise does not want to wait", async () => {
  const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  vi.mocked(runDaemon).mockImplementation(async ({ signal }) => {
    for (const name of ["SIGHUP", "SIGHUP", "SIGINT", "SIGHUP"] as const) process.emit(name);
    expect(signal.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
    process.emit("SIGINT");
    expect(exit).toHaveBeenCalledExactlyOnceWith(1);
  });
  expect(await runInBackground(REQUEST)).toBe(0);
});
