/** A service's parts that need no Windows: command lines, and what is told to the manager of services. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { KERNEL, SERVICE } from "../../../../host/ffi/windows/constants.ts";
import { SERVICE_STATUS as STATUS } from "../../../../host/ffi/windows/layout.ts";
import type { CodeCalls, ServiceCalls, Win32 } from "../../../../host/ffi/windows/win32.ts";
import { commandLine } from "../../../../host/os/windows/service/command-line.ts";
import { Dispatcher } from "../../../../host/os/windows/service/dispatcher.ts";

describe("a command line", () => {
  it.each([
    ["C:\\Program Files\\node.exe", ["a"], '"C:\\Program Files\\node.exe" a'],
    [
      "C:\\node.exe",
      ["--wintun", "C:\\My Tunnels\\wintun.dll"],
      '"C:\\node.exe" --wintun "C:\\My Tunnels\\wintun.dll"',
    ],
    ["n", ["", "C:\\a b\\", 'say "no"', '\\"', "c\\"], '"n" "" "C:\\a b\\\\" "say \\"no\\"" "\\\\\\"" c\\'],
  ])("%s %j", (program, args, line) => {
    expect(commandLine(program, args)).toBe(line);
  });
});

describe("a service", () => {
  afterEach(() => void vi.useRealTimers());

  /** @param fate of the thread that waits for the manager */
  function standIn(fate: "is started" | "is nobody's") {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const view = new DataView(memory.buffer);
    const bytes = new Uint8Array(memory.buffer);
    let context = 0;
    const told: Record<string, number>[] = [];
    const scratch = new Uint8Array(4096);
    const win = {
      ...{ memory, base: 0n, lastError: 0, checkHandle: (_call: string, handle: number) => handle, text: () => 8192 },
      addressOf: () => 2n,
      kernel: { RtlMoveMemory: () => undefined, GetCurrentProcess: () => -1 },
      scratch: { bytes: scratch, view: new DataView(scratch.buffer), at: (position: number) => position },
    } as unknown as Win32;
    const code = {
      ...{ VirtualAlloc: () => 0x7000n, VirtualProtect: () => 1, FlushInstructionCache: () => 1 },
      CreateThread(_security: bigint, _stack: number, begin: bigint, table: number) {
        expect(begin).toBe(2n);
        const main = view.getBigUint64(table + 8, true);
        expect([main, view.getBigUint64(table + 16, true)]).toEqual([0x7010n, 0n]);
        // What `main` does.
        if (fate === "is started") bytes[512] = 1;
        return 5;
      },
      GetExitCodeThread: (_thread: number, at: number) =>
        view.setUint32(at, fate === "is started" ? KERNEL.STILL_ACTIVE : 0, true),
    } as unknown as CodeCalls;
    const calls = {
      ...{ RegisterEventSourceW: () => 1n, ReportEventW: () => 1 },
      RegisterServiceCtrlHandlerExW(_name: number, _handler: bigint, given: bigint) {
        context = Number(given);
        return 9n;
      },
      SetServiceStatus(_handle: bigint, at: number) {
        const read = (field: number): number => view.getUint32(at + field, true);
        told.push({
          state: read(STATUS.state),
          accepts: read(STATUS.accepts),
          specific: read(STATUS.specificExitCode),
          step: read(STATUS.checkPoint),
          waitMs: read(STATUS.waitHint),
        });
        return 1;
      },
    } as unknown as ServiceCalls;
    return {
      enter: () => Dispatcher.enter(win, calls, code, "wg0"),
      /** What the handler does. */
      control: (control: number) => bytes.fill(1, context + control, context + control + 1),
      states: () => told.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1]),
      last: () => told.at(-1),
      told,
    };
  }

  const NOT_PENDING = { step: 0, waitMs: 0 };
  const { SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING, SERVICE_STOPPED } = SERVICE;

  it.each([SERVICE.SERVICE_CONTROL_STOP, SERVICE.SERVICE_CONTROL_SHUTDOWN])(
    "runs until it is told to end (%i), and says so at each step",
    async (control) => {
      vi.useFakeTimers();
      const system = standIn("is started");
      const service = await system.enter();
      vi.advanceTimersByTime(1000);
      service.ready();
      expect(system.last()).toMatchObject({ state: SERVICE_RUNNING, accepts: 5, ...NOT_PENDING });
      // To tell how it is.
      system.control(4);
      vi.advanceTimersByTime(1000);
      expect(service.signal.aborted).toBe(false);
      system.control(control);
      vi.advanceTimersByTime(1000);
      expect(service.signal.aborted).toBe(true);
      service.ended("in order");
      vi.advanceTimersByTime(1000);
      expect(system.states()).toEqual([SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING, SERVICE_STOPPED]);
      expect(system.last()).toEqual({ state: SERVICE_STOPPED, accepts: 0, specific: 0, ...NOT_PENDING });
    },
  );

  it("may be told to end while it starts, and tells that a start and an end go on", async () => {
    vi.useFakeTimers();
    const system = standIn("is started");
    const service = await system.enter();
    vi.advanceTimersByTime(2000);
    system.control(SERVICE.SERVICE_CONTROL_STOP);
    vi.advanceTimersByTime(2000);
    expect(service.signal.aborted).toBe(true);
    // What was on its way.
    service.ready();
    expect(system.told).toEqual([
      ...[1, 2, 3].map((step) => ({ state: SERVICE_START_PENDING, accepts: 5, specific: 0, step, waitMs: 30_000 })),
      ...[1, 2, 3].map((step) => ({ state: SERVICE_STOP_PENDING, accepts: 0, specific: 0, step, waitMs: 20_000 })),
    ]);
    service.ended("in order");
    vi.advanceTimersByTime(2000);
    expect(system.last()).toMatchObject({ state: SERVICE_STOPPED, ...NOT_PENDING });
  });

  it("that failed has an exit code", async () => {
    const system = standIn("is started");
    (await system.enter()).ended("failed");
    expect(system.last()).toEqual({ state: SERVICE_STOPPED, accepts: 0, specific: 1, ...NOT_PENDING });
  });

  it("is none that nobody started as one", async () => {
    await expect(standIn("is nobody's").enter()).rejects.toMatchObject({
      code: "SERVICE",
      message: "the service wasmguard-wg0 was not started by Windows' manager of services",
    });
  });
});
