/** Asks Windows which way packets to an address go. */
import type { Address } from "../../core/core.ts";
import { ERROR } from "../../ffi/windows/constants.ts";
import { MIB_IPFORWARD_ROW2 as ROW } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import type { Routes } from "../endpoint-check.ts";
import { writeInetAddress } from "./inet-address.ts";

/** Where what lies in the scratch buffer, behind the route. */
const TO_AT = 128;
const SOURCE_AT = 192;
const INDEX_AT = 256;

const NO_ROUTE: ReadonlySet<number> = new Set([
  ERROR.ERROR_NOT_FOUND,
  ERROR.ERROR_NETWORK_UNREACHABLE,
  ERROR.ERROR_HOST_UNREACHABLE,
]);

export class BestRoute implements Routes {
  readonly #win: Win32;

  constructor(win: Win32) {
    this.#win = win;
  }

  ask({ to, interface: through }: Pick<Parameters<Routes["ask"]>[0], "to" | "interface">): ReturnType<Routes["ask"]> {
    const { network, scratch } = this.#win;
    const { at, view } = scratch;
    writeInetAddress(scratch, TO_AT, to, through);
    const none: Address = 0;
    const error = network.GetBestRoute2(none, through, none, at(TO_AT), 0, at(0), at(SOURCE_AT));
    if (error === 0) return { interface: view.getUint32(ROW.index, true) };
    if (NO_ROUTE.has(error)) return undefined;
    // Wine knows only this one, and only for IPv4.
    if (error !== ERROR.ERROR_NOT_SUPPORTED || through !== 0) return "no answer";
    if (network.GetBestInterfaceEx(at(TO_AT), at(INDEX_AT)) !== 0) return "no answer";
    return { interface: view.getUint32(INDEX_AT, true) };
  }

  close(): void {}
}

/** @returns 0 where there is no such interface */
export function interfaceIndex({ network, scratch }: Win32, luid: bigint): number {
  const { at, view } = scratch;
  view.setBigUint64(0, luid, true);
  return network.ConvertInterfaceLuidToIndex(at(0), at(8)) === 0 ? view.getUint32(8, true) : 0;
}
