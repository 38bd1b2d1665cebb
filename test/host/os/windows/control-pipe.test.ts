/** The right to give things to another owner is had only while the control pipe is made. */
import { expect, it } from "vitest";
import { SocketInUseError } from "../../../../host/errors.ts";
import { ERROR, KERNEL } from "../../../../host/ffi/windows/constants.ts";
import { LUID_AND_ATTRIBUTES, TOKEN_PRIVILEGES } from "../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { makePipes } from "../../../../host/os/windows/control-pipe.ts";

/** @returns what was done, in order */
function attempt(handle: number, count: number): { done: (string | number)[]; error: unknown } {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  const done: (string | number)[] = [];
  const win = {
    scratch: { bytes, view, at: (position: number) => position },
    text: () => 0,
    lastError: ERROR.ERROR_ACCESS_DENIED,
    security: {
      OpenProcessToken: () => 1,
      LookupPrivilegeValueW: () => 1,
      AdjustTokenPrivileges: (_token: number, _all: number, at: number) =>
        done.push(view.getUint32(at + TOKEN_PRIVILEGES.first + LUID_AND_ATTRIBUTES.attributes, true)),
      ConvertStringSecurityDescriptorToSecurityDescriptorW: () => 1,
    },
    kernel: {
      GetCurrentProcess: () => -1,
      CloseHandle: () => 1,
      LocalFree: () => 0n,
      CreateNamedPipeW: () => {
        done.push("pipe");
        return handle;
      },
    },
  } as unknown as Win32;
  try {
    makePipes(win, "\\\\.\\pipe\\wg0", count);
    return { done, error: undefined };
  } catch (error) {
    return { done, error };
  }
}

it("is switched off again, be the pipe made or not", () => {
  expect(attempt(5, 2)).toEqual({ done: [KERNEL.SE_PRIVILEGE_ENABLED, "pipe", "pipe", 0], error: undefined });
  const { done, error } = attempt(-1, 2);
  expect(done).toEqual([KERNEL.SE_PRIVILEGE_ENABLED, "pipe", 0]);
  expect(error).toBeInstanceOf(SocketInUseError);
});
