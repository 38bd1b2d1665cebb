/** Binds and Tuns serve one device at a time: a second one would take them from the first, which would hear nothing more, and not know. */
import { InUseError } from "../event/device-errors.ts";

/** By Bind or Tun: the one that has it open. */
const holders = new WeakMap<object, object>();

/** What does not keep the process alive, because a device said so, and none has said otherwise since. */
const letGo = new WeakSet<object>();

export type Refs = "ref" | "unref";

/** Until `release`. @throws InUseError */
export function hold(name: "Bind" | "Tun", part: object, holder: object): void {
  if (isForeign(part, holder)) throw new InUseError(name);
  holders.set(part, holder);
}

/** Whether somebody else holds it. */
export function isForeign(part: object, holder: object): boolean {
  return (holders.get(part) ?? holder) !== holder;
}

export function release(part: object, holder: object): void {
  if (!isForeign(part, holder)) holders.delete(part);
}

/** A device says this of it. */
export function noteRefs(part: object, refs: Refs): void {
  if (refs === "unref") letGo.add(part);
  else letGo.delete(part);
}

/** Whether the one that opens it next finds it so, without having asked for it. */
export function isLetGo(part: object): boolean {
  return letGo.has(part);
}
