/**
 * Starts the daemon as a process of its own and waits until it is ready.
 * The child's stdout is a pipe to this process: warnings, and one line "ready" or the error that kept it from starting. The
 * daemon writes nothing to it afterwards, so the pipe may end with this process. Its stderr is what it stays.
 * All of it by plain system calls: this process is in the daemon's sandbox by then, where its event loop cannot wait.
 */
import { FILE, POLL, PROCESS } from "../ffi/constants.ts";
import { EINTR, errnoName } from "../ffi/errno.ts";
import { startProgram } from "../ffi/execute.ts";
import { POLLFD } from "../ffi/layout.ts";
import { check, type Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";
import { signalName } from "../platform.ts";
import { type LaunchRequest, prepareLaunch } from "./launch/daemon.ts";
import { judge, type Outcome, READY_TIMEOUT_MS, REPORT_BYTES_MAX, saysReady } from "./launch/report.ts";

/** What a status of wait4 says of a process that ended by itself, and of one that a signal ended. */
const SIGNAL_MASK = 0x7f;
const EXIT_SHIFT = 8;

/** Collect the child's report until it is ready, has closed its stdout, or the time is over. */
function waitForReport(libc: Libc, pipe: number): Outcome {
  const { view, bytes, at } = libc.scratch;
  const decoder = new TextDecoder();
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let report = "";
  for (;;) {
    view.setInt32(POLLFD.fd, pipe, true);
    view.setUint32(POLLFD.events, POLL.POLLIN, true);
    const left = Math.ceil(deadline - performance.now());
    if (left <= 0) return { report, end: "timeout" };
    const ready = libc.poll(at(0), 1, left);
    if (ready < 0 && ready !== -EINTR) check("poll", ready);
    if (ready <= 0) continue;
    const length = libc.read(pipe, at(0), REPORT_BYTES_MAX);
    if (length === -EINTR) continue;
    if (length <= 0) return { report, end: "closed" };
    if (report.length < REPORT_BYTES_MAX) report += decoder.decode(bytes.subarray(0, length), { stream: true });
    if (saysReady(report)) return { report, end: "ready" };
  }
}

/** Start the daemon. @returns its process number and the end of the pipe that its report comes from */
function startChild(libc: Libc, { start, keepsLog }: { start: Parameters<typeof startProgram>[1]; keepsLog: boolean }) {
  const { view, at } = libc.scratch;
  check("pipe2", libc.pipe2(at(0), FILE.O_CLOEXEC));
  const [reader, writer] = [view.getInt32(0, true), view.getInt32(4, true)];
  const nothing = check("open", libc.open(libc.text("/dev/null"), FILE.O_RDWR | FILE.O_CLOEXEC, 0), "/dev/null");
  const descriptors = [
    { ours: nothing, its: 0 },
    { ours: writer, its: 1 },
  ];
  // Nothing in the background may keep a terminal or a caller's pipe open, unless a log was asked for.
  if (!keepsLog) descriptors.push({ ours: nothing, its: 2 });
  try {
    return { pid: startProgram(libc, start, descriptors, "own"), pipe: reader };
  } finally {
    libc.close(writer);
    libc.close(nothing);
  }
}

const STOPPED = "was stopped";

/** End the daemon, whom nobody would know of. Once it is another user that takes CAP_KILL. @returns what became of it, for a message */
export function stopDaemon(libc: Pick<Libc, "kill">, pid: number): string {
  const result = libc.kill(pid, PROCESS.SIGKILL);
  return result >= 0 ? STOPPED : `could not be stopped (process ${pid}: ${errnoName(-result)})`;
}

function stoppingOnFailure<T>(libc: Libc, pid: number, warn: LaunchRequest["warn"], action: () => T): T {
  try {
    return action();
  } catch (error) {
    const outcome = stopDaemon(libc, pid);
    // Of one that was stopped nobody need be told besides why.
    if (outcome !== STOPPED) warn(`the daemon ${outcome}`);
    throw error;
  }
}

/** How a child that closed its stdout has ended. */
function waitForEnd(libc: Libc, pid: number): string {
  const { view, at } = libc.scratch;
  for (;;) {
    const result = libc.systemCall(systemCall("wait4")!, pid, libc.pointer(at(0)), 0, 0);
    if (result === -EINTR) continue;
    const status = view.getUint32(0, true);
    const signal = status & SIGNAL_MASK;
    return signal === 0 ? `exit code ${(status >>> EXIT_SHIFT) & 0xff}` : signalName(signal);
  }
}

/**
 * @param args  the command line to repeat: options and the interface name
 * @throws      CliError with the child's own words if it could not start; no process is left then, or the message tells of it
 */
export async function spawnDaemon(request: LaunchRequest, args: readonly string[]): Promise<void> {
  const { libc, start } = await prepareLaunch(request, args, "background");
  const { pid, pipe } = startChild(libc, { start, keepsLog: request.keepsLog });
  const { report, end } = stoppingOnFailure(libc, pid, request.warn, () => waitForReport(libc, pipe));
  libc.close(pipe);
  judge({ report, end }, request, { stop: () => stopDaemon(libc, pid), howItEnded: () => waitForEnd(libc, pid) });
}
