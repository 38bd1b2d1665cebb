/** Tables that IP Helper allocates: a count, then rows. */
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";
import { ERROR } from "../../ffi/windows/constants.ts";
import { MIB_TABLE } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import { type Family, systemFamily } from "./inet-address.ts";

type Table = "GetIpForwardTable2" | "GetUnicastIpAddressTable";

/** Where many rows at once lie in the scratch buffer, for one that is looked at comes before: a table may have thousands, and is asked for often. */
const BLOCK_AT = 256;

/**
 * Rows of one family, or of both (0), each at the start of the scratch buffer while it is looked at. Nothing else is written there meanwhile.
 * @throws WindowsError
 */
export function* tableRows(win: Win32, table: Table, family: Family | 0, rowBytes: number): Generator<void> {
  const { kernel, network, scratch, base } = win;
  const copy = (position: number, from: bigint, length: number): void =>
    void kernel.RtlMoveMemory(base + BigInt(scratch.at(position)), from, BigInt(length));
  const most = Math.floor((SCRATCH_BYTES - BLOCK_AT) / rowBytes);
  const error = network[table](family === 0 ? 0 : systemFamily(family), scratch.at(0));
  // The second one where the machine does without the family.
  if (error === ERROR.ERROR_NOT_FOUND || error === ERROR.ERROR_NOT_SUPPORTED) return;
  if (error !== 0) throw new WindowsError(table, error);
  const start = scratch.view.getBigUint64(0, true);
  try {
    copy(0, start, MIB_TABLE.rows);
    const count = scratch.view.getUint32(MIB_TABLE.count, true);
    for (let first = 0; first < count; first += most) {
      const blockBytes = Math.min(most, count - first) * rowBytes;
      copy(BLOCK_AT, start + BigInt(MIB_TABLE.rows + first * rowBytes), blockBytes);
      for (let at = BLOCK_AT; at < BLOCK_AT + blockBytes; at += rowBytes) {
        scratch.bytes.copyWithin(0, at, at + rowBytes);
        yield;
      }
    }
  } finally {
    network.FreeMibTable(start);
  }
}
