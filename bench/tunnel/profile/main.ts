/**
 * `npm run bench:profile`: where the daemon's CPU time goes, stage by stage. Its own loop runs at both ends, between two
 * namespaces, with a clock around each call that it makes to the kernel and to the core (daemon.ts).
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { waitFor } from "../../../test/e2e/support/exec.ts";
import { positive, readCommandLine } from "../../command-line.ts";
import { installBenchPackages } from "../../install.ts";
import { Bed, type BedEnd } from "../bed.ts";
import { cpuTime } from "../counters.ts";
import { loadAverage, machine } from "../machine.ts";
import type { Program } from "../programs.ts";
import { enter, isInside, obstacle } from "../sandbox.ts";
import { run, warmUp } from "../traffic.ts";
import { type DaemonStages, stagesPath } from "./daemon.ts";
import {
  type EndProfile,
  PROFILE_FILE,
  PROFILED,
  type ProfiledTest,
  type ProfileResults,
  type ScenarioProfile,
} from "./results.ts";

const USAGE = `npm run bench:profile [-- options]   (as root)
  --repetitions N   (3)
  --seconds N       of each run (3)
  --write-docs      afterwards bring docs/benchmarks.md up to date`;

const DAEMON = fileURLToPath(new URL("./daemon.ts", import.meta.url));
const PACED_MEGABITS = 100;
const LIMIT_MS = 10 * 60_000;

function options() {
  const values = readCommandLine(USAGE, {
    repetitions: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    "write-docs": { type: "boolean", default: false },
  });
  return {
    repetitions: positive(USAGE, "repetitions", values.repetitions),
    seconds: positive(USAGE, "seconds", values.seconds),
    writeDocs: values["write-docs"],
  };
}

/** Have a daemon write down its stages and begin anew. */
async function takeStages({ daemon }: BedEnd): Promise<DaemonStages> {
  const path = stagesPath(daemon!.interface);
  rmSync(path, { force: true });
  daemon!.signal("SIGUSR2");
  let stages: DaemonStages | undefined;
  const written = () => {
    try {
      stages = JSON.parse(readFileSync(path, "utf8"));
      return true;
    } catch {
      return false; // not yet
    }
  };
  if (!(await waitFor(written, 5000))) throw new Error(`${path} does not appear\n${daemon!.log()}`);
  return stages!;
}

async function profile(test: ProfiledTest, repetition: number, seconds: number): Promise<ScenarioProfile> {
  const command = [process.execPath, DAEMON];
  const program: Program = { name: "profile", kind: "ours", version: "", command };
  await using bed = await Bed.tunnel(program);
  await warmUp(bed);
  const ends = [bed.near, bed.far];
  for (const end of ends) await takeStages(end);
  const before = ends.map(({ pids }) => cpuTime(pids));
  const { megabits } = await run(bed, test, { seconds, pacedMegabits: PACED_MEGABITS });
  const after = ends.map(({ pids }) => cpuTime(pids));
  const [near, far] = (await Promise.all(ends.map(takeStages))).map(
    (stages, i): EndProfile => ({
      ...stages,
      userCpu: after[i]!.user - before[i]!.user,
      systemCpu: after[i]!.system - before[i]!.system,
    }),
  );
  console.error(`  ${test} #${repetition}: ${megabits!.toFixed(0)} Mbit/s`);
  return { test, repetition, megabits: megabits!, near: near!, far: far! };
}

async function inside(repetitions: number, seconds: number): Promise<void> {
  const load = loadAverage();
  const scenarios: ScenarioProfile[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const test of PROFILED) scenarios.push(await profile(test, repetition, seconds));
  }
  const results: ProfileResults = {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    command: "npm run bench:profile",
    machine: machine(),
    load: [load, loadAverage()],
    runtime: `Node ${process.versions.node}`,
    seconds,
    scenarios,
  };
  mkdirSync(dirname(PROFILE_FILE), { recursive: true });
  writeFileSync(PROFILE_FILE, `${JSON.stringify(results, null, 1)}\n`);
  const { profileMarkdown } = await import("./tables.ts");
  console.log(profileMarkdown(results));
}

const { repetitions, seconds, writeDocs } = options();
if (isInside()) {
  await inside(repetitions, seconds);
} else {
  const reason = obstacle();
  if (reason) {
    console.error(`bench:profile cannot run: ${reason}`);
    process.exit(1);
  }
  installBenchPackages();
  process.exitCode = await enter(LIMIT_MS);
  if (writeDocs) {
    const { writeTunnelDocs } = await import("../docs.ts");
    for (const path of writeTunnelDocs()) console.error(`wrote ${path}`);
  }
}
