/** Where the tunnel's own datagrams leave, by routes in memory. */
import { expect, it } from "vitest";
import { SCRATCH_BYTES } from "../../../../host/ffi/scratch.ts";
import { ERROR, SOCKET } from "../../../../host/ffi/windows/constants.ts";
import {
  MIB_IPINTERFACE_ROW as LINK,
  MIB_TABLE,
  MIB_IPFORWARD_ROW2 as ROW,
  SOCKADDR_INET,
} from "../../../../host/ffi/windows/layout.ts";
import type { Win32 } from "../../../../host/ffi/windows/win32.ts";
import { outerInterface } from "../../../../host/os/windows/outer-interface.ts";

const TUNNEL = 0x35_0000_07_000000n;
const OTHER = 0x06_0000_01_000000n;
/** Of memory that Windows allocates. */
const TABLE_AT = 0x10_0000;

interface Route {
  readonly by: bigint;
  readonly prefix: number;
  readonly first?: number;
  readonly index?: number;
  readonly metric?: number;
}

/** Their own metrics; those that are not here are not connected. */
const LINKS: Readonly<Record<number, number>> = { 3: 50, 4: 25, 5: 5 };

/** Calls of Windows by which the table was read last. */
let copies = 0;

function outer(
  routes: readonly Route[],
  family: 4 | 6 = 4,
  helps: "tells metrics" | "lacks functions" = "tells metrics",
) {
  const bytes = new Uint8Array(SCRATCH_BYTES);
  const view = new DataView(bytes.buffer);
  const table = new Uint8Array(MIB_TABLE.rows + routes.length * ROW.BYTES);
  const rows = new DataView(table.buffer);
  rows.setUint32(MIB_TABLE.count, routes.length, true);
  for (const [i, { by, prefix, first = 0, index = 9, metric = 0 }] of routes.entries()) {
    const at = MIB_TABLE.rows + i * ROW.BYTES;
    rows.setBigUint64(at + ROW.luid, by, true);
    rows.setUint32(at + ROW.index, index, true);
    rows.setUint16(at + ROW.prefix, family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6, true);
    table[at + ROW.prefix + (family === 4 ? SOCKADDR_INET.v4 : SOCKADDR_INET.v6)] = first;
    table[at + ROW.prefixLength] = prefix;
    rows.setUint32(at + ROW.metric, metric, true);
  }
  let allocated = 0;
  copies = 0;
  const win = {
    ...{ base: 0n, scratch: { bytes, view, at: (position: number) => position } },
    kernel: {
      RtlMoveMemory(to: bigint, from: bigint, length: bigint) {
        copies++;
        bytes.set(table.subarray(Number(from) - TABLE_AT, Number(from + length) - TABLE_AT), Number(to));
      },
    },
    network: {
      GetIpForwardTable2(asked: number, at: number) {
        expect(asked).toBe(family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6);
        allocated++;
        view.setBigUint64(at, BigInt(TABLE_AT), true);
        return 0;
      },
      FreeMibTable: () => void allocated--,
    },
    ipHelper() {
      if (helps === "lacks functions") throw new Error("no such function");
      return {
        GetIpInterfaceEntry(at: number) {
          const index = view.getUint32(at + LINK.index, true);
          if (index === 9) return ERROR.ERROR_NOT_FOUND;
          bytes[at + LINK.connected] = index in LINKS ? 1 : 0;
          view.setUint32(at + LINK.metric, LINKS[index] ?? 0, true);
          return 0;
        },
      };
    },
  };
  const answer = outerInterface(win as unknown as Win32, TUNNEL, family);
  expect(allocated).toBe(0);
  return answer;
}

const own = (prefix: number, first = 0): Route => ({ by: TUNNEL, prefix, first });
const other = (index: number, metric: number): Route => ({ by: OTHER, prefix: 0, index, metric });

it.each([4, 6] as const)("IPv%i: any, unless the tunnel takes all", (family) => {
  expect(outer([other(4, 0), own(8, 10), own(1, 0)], family)).toBe("any");
  expect(outer([], family)).toBe("any");
});

it.each([4, 6] as const)("IPv%i: the best default route of others, by the metrics of both", (family) => {
  expect(outer([other(3, 0), own(0), other(4, 10), other(5, 40)], family)).toBe(4);
  expect(outer([other(3, 0), own(1, 0), own(1, 0x80)], family)).toBe(3);
});

it("one that is not connected is none", () => {
  expect(outer([own(0), other(8, 0), other(9, 0), other(3, 0)])).toBe(3);
  expect(outer([own(0), other(8, 0)])).toBe("nowhere");
  expect(outer([own(0)])).toBe("nowhere");
});

it("another tunnel is none: each would send by the other", () => {
  const tunnel = { by: 0x35_0000_08_000000n, prefix: 0, index: 5 };
  expect(outer([own(0), tunnel, other(3, 0)])).toBe(3);
  expect(outer([own(0), tunnel])).toBe("nowhere");
});

it("without metrics of interfaces those of routes decide", () => {
  expect(outer([own(0), other(8, 2), other(3, 1)], 4, "lacks functions")).toBe(3);
});

it("a long table is read in few calls, to its last row", () => {
  const routes = Array.from({ length: 1000 }, (_, i) => other(5, 1000 + i));
  expect(outer([own(0), ...routes, other(3, 0)])).toBe(3);
  expect(copies).toBeLessThan(20);
});
