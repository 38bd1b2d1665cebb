/**
 * Options of a program, read as a whole before anything is done: each once, the object's own only (what a polluted prototype
 * adds is not asked for), and none that nobody knows. What is undefined is absent. What is given is never quoted: it may be a key.
 */
import type { Signal } from "../ambient.ts";
import { OptionError, UnknownOptionError } from "./device-errors.ts";

type Snapshot<K extends string> = Readonly<Partial<Record<K, unknown>>>;

/** Names longer than any option are not repeated: they may be something else. */
const NAME_CHARS_MAX = 24;
const NAME = /^[A-Za-z][A-Za-z0-9]*$/;

/**
 * @param what   for errors: "options", "peers[3]"
 * @param names  what there is
 * @returns      what was given, by name
 * @throws       OptionError
 */
export function readOptions<K extends string>(what: string, given: unknown, names: readonly K[]): Snapshot<K> {
  if (typeof given !== "object" || given === null || isList(given)) throw new OptionError(what, "an object");
  const snapshot: Partial<Record<K, unknown>> = Object.create(null);
  try {
    for (const key of Object.keys(given)) {
      if (!names.includes(key as K)) throw unknownOption(what, key, names);
      const value = (given as Record<string, unknown>)[key];
      if (value !== undefined) snapshot[key as K] = value;
    }
  } catch (cause) {
    if (cause instanceof UnknownOptionError) throw cause;
    throw new OptionError(what, "an object whose properties can be read", cause);
  }
  return snapshot;
}

function unknownOption(what: string, key: string, names: readonly string[]): UnknownOptionError {
  const told = key.length <= NAME_CHARS_MAX && NAME.test(key) ? `an option ${key}` : "an option of some other name";
  const meant = names.find((name) => name.toLowerCase() === key.toLowerCase());
  const step = meant === undefined ? `Leave it out; there are ${listOf(names)}.` : `Write ${meant}.`;
  return new UnknownOptionError(`${what} cannot have ${told}`, step);
}

function listOf(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** @throws OptionError */
export function checkInteger(name: string, value: unknown, minimum: number, maximum: number): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
    throw new OptionError(name, `a whole number from ${minimum} to ${maximum}`);
  }
}

/** An array, of whatever realm. */
export function isList(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a Proxy that was revoked
  }
}

/** @returns a copy, without holes @throws OptionError */
export function checkList(name: string, value: unknown, of: string): readonly unknown[] {
  if (!isList(value)) throw new OptionError(name, `an array of ${of}`);
  try {
    return Array.from(value);
  } catch (cause) {
    throw new OptionError(name, `an array of ${of}`, cause);
  }
}

/** An object of the program's own, or of a class: methods may be inherited. @throws OptionError */
export function checkMethods(
  name: string,
  value: unknown,
  needed: readonly string[],
  possible: readonly string[],
): void {
  const has = (method: string): unknown => (value as Record<string, unknown>)[method];
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  try {
    const whole = isObject && needed.every((method) => typeof has(method) === "function");
    if (whole && possible.every((method) => ["function", "undefined"].includes(typeof has(method)))) return;
  } catch (cause) {
    throw new OptionError(name, `an object with the methods ${listOf(needed)}`, cause);
  }
  throw new OptionError(name, `an object with the methods ${listOf(needed)}`);
}

/** Of the platform, or anything that does as one. @throws OptionError */
export function checkSignal(value: unknown): asserts value is Signal {
  checkMethods("signal", value, ["addEventListener", "removeEventListener", "throwIfAborted"], []);
}

/** @throws OptionError */
export function checkFunction(name: string, value: unknown): asserts value is (...args: never[]) => unknown {
  if (typeof value !== "function") throw new OptionError(name, "a function");
}
