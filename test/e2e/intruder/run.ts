/**
 * As a program: tries everything in each thread of process PID, and prints the outcomes as JSON. With CALL… it makes only these
 * system calls, in the main thread, and prints by what signal the process ended.
 *   node run.ts PID VICTIM
 *   node run.ts PID VICTIM execve
 */
import { readdirSync, readFileSync } from "node:fs";
import { openLibc } from "../../../host/ffi/libc.ts";
import { type SystemCallName, systemCall } from "../../../host/ffi/system-calls.ts";
import { type Outcomes, openDescriptors, tryAll } from "./attempts.ts";
import { InjectedThread, ThreadEnded } from "./injection.ts";

export interface ThreadOutcomes {
  readonly name: string;
  readonly main: boolean;
  readonly outcomes: Outcomes;
}

export interface Report {
  readonly threads: readonly ThreadOutcomes[];
  readonly descriptors: readonly string[];
}

const [pid = 0, victim = 0] = process.argv.slice(2, 4).map(Number);
const deadly = process.argv.slice(4) as SystemCallName[];
const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));

function hasEnded(tid: number): boolean {
  try {
    return /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/task/${tid}/status`, "latin1"));
  } catch {
    return true;
  }
}

/** @returns nothing for a thread that ends meanwhile: runtimes let idle ones go */
function tryThread(tid: number): ThreadOutcomes[] {
  try {
    const thread = new InjectedThread(libc, pid, tid);
    const name = readFileSync(`/proc/${pid}/task/${tid}/comm`, "latin1").trim();
    const outcomes = tryAll(thread, pid, victim);
    thread.release();
    return [{ name, main: tid === pid, outcomes }];
  } catch (error) {
    if (tid !== pid && !hasEnded(pid) && hasEnded(tid)) return [];
    throw error;
  }
}

function endingSignal(name: SystemCallName): number {
  const thread = new InjectedThread(libc, pid, pid);
  try {
    thread.call(systemCall(name)!, 0, 0, 0, 0, 0);
    thread.release();
    return 0;
  } catch (error) {
    if (error instanceof ThreadEnded) return error.signal;
    throw error;
  }
}

if (deadly.length > 0) process.stdout.write(JSON.stringify(deadly.map(endingSignal)));
else {
  const descriptors = openDescriptors(pid);
  const threads = readdirSync(`/proc/${pid}/task`).flatMap((tid) => tryThread(Number(tid)));
  process.stdout.write(JSON.stringify({ threads, descriptors } satisfies Report));
}
