/** Tables that IP Helper allocates: a count, then rows. */
import { ERROR } from "../../ffi/windows/constants.ts";
import { MIB_TABLE } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import { type Family, systemFamily } from "./inet-address.ts";

type Table = "GetIpForwardTable2" | "GetUnicastIpAddressTable";

/**
 * Rows of one family, or of both (0), each at the start of the scratch buffer while it is looked at.
 * @throws WindowsError
 */
export function* tableRows(win: Win32, table: Table, family: Family | 0, rowBytes: number): Generator<void> {
  const { kernel, network, scratch, base } = win;
  const copy = (from: bigint, length: number): void =>
    void kernel.RtlMoveMemory(base + BigInt(scratch.at(0)), from, BigInt(length));
  const error = network[table](family === 0 ? 0 : systemFamily(family), scratch.at(0));
  // The second one where the machine does without the family.
  if (error === ERROR.ERROR_NOT_FOUND || error === ERROR.ERROR_NOT_SUPPORTED) return;
  if (error !== 0) throw new WindowsError(table, error);
  const start = scratch.view.getBigUint64(0, true);
  try {
    copy(start, MIB_TABLE.rows);
    const count = scratch.view.getUint32(MIB_TABLE.count, true);
    for (let i = 0; i < count; i++) {
      copy(start + BigInt(MIB_TABLE.rows + i * rowBytes), rowBytes);
      yield;
    }
  } finally {
    network.FreeMibTable(start);
  }
}
