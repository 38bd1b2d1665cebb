/** Runs a task after the I/O of this turn of the event loop. */
export const soon: (task: () => void) => void =
  typeof setImmediate === "function" ? (task) => void setImmediate(task) : (task) => void setTimeout(task, 0);
