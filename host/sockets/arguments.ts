/** Arguments that net and dgram refuse before anything is tried, refused here with their codes. */

/** @throws TypeError with ERR_INVALID_ARG_TYPE; what was given is not quoted */
function refuse(name: string, expected: string): never {
  throw Object.assign(new TypeError(`The "${name}" argument must be ${expected}`), { code: "ERR_INVALID_ARG_TYPE" });
}

/** Undefined and null are none, or the default. */
export function checkHost(host: unknown): asserts host is string | null | undefined {
  if (host !== undefined && host !== null && typeof host !== "string") refuse("host", "a string");
}

export function checkCallback(callback: unknown): asserts callback is (...args: never[]) => unknown {
  if (typeof callback !== "function") refuse("callback", "a function");
}

/** Of the platform, or anything that does as one: it is listened to, and once more when the socket ends. */
export function checkSignal(signal: unknown): asserts signal is AbortSignal {
  const { addEventListener, removeEventListener } = Object(signal) as Record<string, unknown>;
  if (typeof addEventListener !== "function" || typeof removeEventListener !== "function") {
    refuse("options.signal", "an AbortSignal");
  }
}

export function checkMessage(message: unknown): asserts message is Uint8Array | string {
  if (typeof message !== "string" && !ArrayBuffer.isView(message)) refuse("message", "bytes or a string");
}
