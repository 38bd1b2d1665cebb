/** Whether a timer keeps the process alive. Browsers' timers are numbers, and keep nothing. */
export function keepAlive(timer: ReturnType<typeof setTimeout> | undefined, refs: "ref" | "unref"): void {
  if (typeof timer === "object") timer[refs]();
}
