/** What is asked of the manager of services, where what it says depends on the moment. */
import { expect, it, vi } from "vitest";
import { ERROR, SERVICE } from "../../../../host/ffi/windows/constants.ts";
import { SERVICE_STATUS } from "../../../../host/ffi/windows/layout.ts";
import type { ServiceCalls, Win32 } from "../../../../host/ffi/windows/win32.ts";
import { ServiceManager } from "../../../../host/os/windows/service/manager.ts";

// Nobody waits.
vi.mock("node:timers/promises", () => ({ setTimeout: async () => {} }));

const { SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING, SERVICE_STOPPED } = SERVICE;
const { ERROR_INVALID_SERVICE_CONTROL: SAYS_NOTHING, ERROR_SERVICE_CANNOT_ACCEPT_CTRL: ENDS } = ERROR;

/** @param answers to requests to end, the last again and again; 0 for obedience @param states that it has then */
function managerOf(answers: readonly number[], states: readonly number[]) {
  let asked = 0;
  let looked = 0;
  const view = new DataView(new ArrayBuffer(4096));
  const win = { lastError: 0, text: () => 0, scratch: { view, at: (position: number) => position } };
  const calls = {
    ...{ OpenSCManagerW: () => 1n, OpenServiceW: () => 2n, CloseServiceHandle: () => 1 },
    ControlService() {
      win.lastError = answers[Math.min(asked++, answers.length - 1)]!;
      return win.lastError === 0 ? 1 : 0;
    },
    QueryServiceStatus(_service: bigint, at: number) {
      view.setUint32(at + SERVICE_STATUS.state, states[Math.min(looked++, states.length - 1)]!, true);
      return 1;
    },
  };
  const manager = new ServiceManager(win as unknown as Win32, calls as unknown as ServiceCalls);
  return {
    /** @returns how often it was asked to end */
    async stop() {
      await manager.stop("wg0");
      return { asked, looked };
    },
  };
}

it("a service is asked to end again while its process has said nothing", async () => {
  const states = [SERVICE_START_PENDING, SERVICE_RUNNING, SERVICE_STOP_PENDING, SERVICE_STOPPED];
  expect(await managerOf([SAYS_NOTHING, ENDS, 0], states).stop()).toEqual({ asked: 3, looked: 4 });
});

it("one that another has asked to end has ended then", async () => {
  expect(await managerOf([ENDS, ERROR.ERROR_SERVICE_NOT_ACTIVE], []).stop()).toEqual({ asked: 2, looked: 0 });
});

it("is not asked for ever, and what does not run is told", async () => {
  await expect(managerOf([ENDS], []).stop()).rejects.toMatchObject({ code: "ERROR_SERVICE_CANNOT_ACCEPT_CTRL" });
  await expect(managerOf([ERROR.ERROR_SERVICE_NOT_ACTIVE], []).stop()).rejects.toThrow("does not run");
});
