/** What a Bind hands over with a datagram, checked: it may be anybody's code, and all of it ends up in linear memory. */

import { TRAIN_DATAGRAMS_MAX } from "../core/codes.ts";
import type { Endpoint } from "../core/core.ts";
import { byteLength } from "./bytes.ts";
import { OptionError } from "./device-errors.ts";

/** An address is written into linear memory as it is. @throws OptionError */
export function requireEndpoint(from: Endpoint): void {
  const known = typeof from === "object" && from !== null;
  const length = known ? byteLength(from.address) : -1;
  if (length !== 4 && length !== 16) throw new OptionError("address of the sender", "a Uint8Array of 4 or 16 bytes");
  if (!isWhole(from.port, 0xffff)) throw new OptionError("port of the sender", "a whole number from 0 to 65535");
  if (!isWhole(from.scope, 0xffffffff)) throw new OptionError("scope of the sender", "an interface index, or 0");
}

/** @throws OptionError */
export function requireSegment(segment: number, length: number): void {
  if (isWhole(segment, Math.max(length, 1)) && segment > 0 && length <= TRAIN_DATAGRAMS_MAX * segment) return;
  throw new OptionError("segment of a train", `bytes of each of its datagrams, ${TRAIN_DATAGRAMS_MAX} at most`);
}

function isWhole(value: unknown, maximum: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maximum;
}
