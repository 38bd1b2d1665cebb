/** The results as Markdown, for the terminal and for docs/benchmarks.md. */
import type { Contestant, LibraryResults, RuntimeResults } from "./results.ts";

type Cell = string | number | undefined;

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map((cell) => cell ?? "–").join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const CONTESTANTS: readonly Contestant[] = ["baseline", "portable", "ffi"];

function ratio(runtime: RuntimeResults, of: Contestant, to: Contestant): string | undefined {
  const [above, below] = [runtime.throughput[of], runtime.throughput[to]];
  if (above === undefined || below === undefined) return undefined;
  return `${(above.megabitsPerCpuSecond / below.megabitsPerCpuSecond).toFixed(1)} ×`;
}

function throughput({ runtimes }: LibraryResults): string {
  const rows = runtimes.map((runtime) => [
    runtime.runtime,
    ...CONTESTANTS.flatMap((name) => {
      const measured = runtime.throughput[name];
      return [measured?.megabitsPerSecond.toFixed(0), measured?.megabitsPerCpuSecond.toFixed(0)];
    }),
    ratio(runtime, "portable", "baseline"),
    ratio(runtime, "ffi", "portable"),
  ]);
  const names = CONTESTANTS.flatMap((name) => [`${name}: Mbit/s`, "per CPU-second"]);
  return table(["", ...names, "portable to baseline", "ffi to portable"], rows);
}

function memory({ runtimes }: LibraryResults): string {
  const counts = [0, 1, 10, 100, 1000].map(String);
  const rows = runtimes.flatMap((runtime) =>
    CONTESTANTS.flatMap((name) => {
      const measured = runtime.memory[name];
      return measured === undefined
        ? []
        : [[`${runtime.runtime}, ${name}`, ...counts.map((n) => measured[n]?.toFixed(0))]];
    }),
  );
  return table(["MB resident with … devices", ...counts], rows);
}

function first({ runtimes }: LibraryResults): string {
  const rows = runtimes.map(({ runtime, firstPacket }) => [
    runtime,
    firstPacket.portable?.toFixed(0),
    firstPacket.ffi?.toFixed(0),
  ]);
  return table(["ms", "portable", "ffi"], rows);
}

export function libraryPart(results: LibraryResults): string {
  const { machine, load, date, command, seconds, baseline } = results;
  return [
    `${machine.cpu}, ${machine.cores} cores; ${machine.kernel}; ${date}, load average ${load.map((n) => n.toFixed(1)).join(" to ")}, ${seconds} s each: \`${command}\`.` +
      (baseline === undefined ? "" : ` Baseline: ${baseline}.`),
    "Through the tunnel, packets of 1,420 bytes; ratios are of CPU time.",
    throughput(results),
    "From `Device.create` to the first packet at the other end, in a new process:",
    first(results),
    memory(results),
  ].join("\n\n");
}
