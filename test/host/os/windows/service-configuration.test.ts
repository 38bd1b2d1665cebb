/** What the manager of services is told of a service that is installed. */
import { expect, it } from "vitest";
import { ERROR, SERVICE } from "../../../../host/ffi/windows/constants.ts";
import type { ServiceCalls, Win32 } from "../../../../host/ffi/windows/win32.ts";
import { configureService } from "../../../../host/os/windows/service/configuration.ts";

const BASE = 0x7000_0000_0000n;
/** winsvc.h; nothing here sets it. */
const SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO = 6;

/** @param refusal by level, an error */
function told(refusal: Readonly<Record<number, number>> = {}): Map<number, DataView> {
  const bytes = new Uint8Array(4096).fill(0xff);
  const scratch = { bytes, view: new DataView(bytes.buffer), at: (position: number) => 64 + position };
  const text = (value: string, position: number): number => {
    bytes.set(Buffer.from(`${value}\0`, "utf16le"), position);
    return scratch.at(position);
  };
  const structs = new Map<number, DataView>();
  const win = { base: BASE, scratch, text, lastError: 0 };
  const calls = {
    ChangeServiceConfig2W(service: bigint, level: number, at: number) {
      expect([service, at]).toEqual([7n, 64]);
      win.lastError = refusal[level] ?? 0;
      structs.set(level, new DataView(bytes.slice().buffer));
      return win.lastError === 0 ? 1 : 0;
    },
  };
  configureService(win as unknown as Win32, calls as unknown as ServiceCalls, 7n);
  return structs;
}

/** Of the struct's field, which leads behind it. */
const pointer = (view: DataView, field: number): number => Number(view.getBigUint64(field, true) - BASE) - 64;

it("is started again after a failure, three times a day", () => {
  const structs = told();
  const actions = structs.get(SERVICE.SERVICE_CONFIG_FAILURE_ACTIONS)!;
  const read = (at: number): number => actions.getUint32(at, true);
  expect([read(0), actions.getBigUint64(8, true), actions.getBigUint64(16, true), read(24)]).toEqual([
    86_400,
    0n,
    0n,
    4,
  ]);
  const at = pointer(actions, 32);
  const restart = SERVICE.SC_ACTION_RESTART;
  expect([0, 1, 2, 3].map((i) => [read(at + 8 * i), read(at + 8 * i + 4)])).toEqual([
    ...[1000, 5000, 30_000].map((afterMs) => [restart, afterMs]),
    [SERVICE.SC_ACTION_NONE, 0],
  ]);
  expect(structs.get(SERVICE.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG)!.getUint32(0, true)).toBe(1);
});

it("keeps the account's privileges, and has a name of its own", () => {
  const structs = told();
  expect(structs.has(SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO)).toBe(false);
  expect(structs.get(SERVICE.SERVICE_CONFIG_SERVICE_SID_INFO)!.getUint32(0, true)).toBe(
    SERVICE.SERVICE_SID_TYPE_UNRESTRICTED,
  );
});

it("what Windows does not know is left out, what it refuses is told", () => {
  const level = SERVICE.SERVICE_CONFIG_FAILURE_ACTIONS;
  expect(told({ [level]: ERROR.ERROR_INVALID_LEVEL }).size).toBeGreaterThan(2);
  expect(() => told({ [level]: ERROR.ERROR_ACCESS_DENIED })).toThrow(
    `ChangeServiceConfig2W ${level}: ERROR_ACCESS_DENIED`,
  );
});
