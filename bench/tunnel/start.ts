/**
 * Start: from the start of `PROGRAM NAME` until its control socket answers, and until the command has returned, and the CPU time
 * of both; for ours also what the runtime needs to import, compile and instantiate the core, measured inside it.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { requestUapi } from "../../host/uapi/client.ts";
import { ended, killGroup, waitFor } from "../../test/e2e/support/exec.ts";
import { Topology } from "../../test/e2e/support/topology.ts";
import { runtimeCommand } from "../runtimes.ts";
import { cpuTime, endedChildrenTime } from "./counters.ts";
import type { Program } from "./programs.ts";
import type { StartResult } from "./results.ts";

const INSIDE = fileURLToPath(new URL("./start-inside.ts", import.meta.url));
const LIMIT_MS = 20_000;
const GET = new TextEncoder().encode("get=1\n\n");

async function answers(name: string): Promise<boolean> {
  try {
    return (await requestUapi(name, GET)).length > 0;
  } catch {
    return false; // not there yet
  }
}

export async function measureStart(program: Program): Promise<StartResult> {
  await using topology = new Topology();
  const namespace = await topology.namespace("start");
  const name = topology.interfaceName();
  const cpuBefore = endedChildrenTime();
  const start = performance.now();
  const child = namespace.start([...program.command, name], { env: { LOG_LEVEL: "silent" } });
  let returnMs = Number.NaN;
  child.on("exit", () => {
    returnMs = performance.now() - start;
  });
  try {
    if (!(await waitFor(() => answers(name), LIMIT_MS, 1))) throw new Error(`${program.name} does not answer`);
    const answerMs = performance.now() - start;
    if (!(await ended(child, LIMIT_MS))) throw new Error(`${program.name} does not return`);
    const cpuMs = (endedChildrenTime() - cpuBefore + cpuTime(namespace.pids()).both) * 1000;
    return { program: program.name, answerMs, returnMs, cpuMs, ...(program.runtime && inside(program)) };
  } finally {
    killGroup(child);
  }
}

function inside(program: Program): Pick<StartResult, "importMs" | "compileMs" | "instantiateMs"> {
  const [command, ...args] = runtimeCommand(program.runtime!) as [string, ...string[]];
  const { status, stdout, stderr } = spawnSync(command, [...args, INSIDE], { encoding: "utf8", timeout: LIMIT_MS });
  if (status !== 0) throw new Error(`${program.name}, core alone: ${stderr}`);
  return JSON.parse(stdout);
}
