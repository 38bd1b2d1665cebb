/** The results as Markdown, for the terminal and for docs/benchmarks.md. */
import type { Contestant, LibraryResults, RuntimeResults, Tunnel } from "./results.ts";
import type { Throughput } from "./throughput.ts";

type Cell = string | number | undefined;

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map((cell) => cell ?? "–").join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const TUNNELS: readonly Tunnel[] = ["baseline", "portable", "ffi"];
export const CONTESTANTS: readonly Contestant[] = [...TUNNELS, "sockets", "sealed sockets", "unstable sockets"];

/** By what was reached in real time, and in a second of CPU time. */
function ratio(runtime: RuntimeResults, of: Contestant, to: Contestant): string | undefined {
  const [above, below] = [runtime.throughput[of], runtime.throughput[to]];
  if (above === undefined || below === undefined) return undefined;
  const times = (by: "megabitsPerSecond" | "megabitsPerCpuSecond") => (above[by] / below[by]).toFixed(2);
  return `${times("megabitsPerSecond")} (${times("megabitsPerCpuSecond")}) ×`;
}

function throughput({ runtimes }: LibraryResults): string {
  const rows = runtimes.map((runtime) => [
    runtime.runtime,
    ...CONTESTANTS.map((name) => {
      const measured = runtime.throughput[name];
      return measured && `${measured.megabitsPerSecond.toFixed(0)} (${measured.megabitsPerCpuSecond.toFixed(0)})`;
    }),
    ratio(runtime, "portable", "baseline"),
    ratio(runtime, "sockets", "baseline"),
    ratio(runtime, "ffi", "portable"),
  ]);
  return table(["", ...CONTESTANTS, "portable to baseline", "sockets to baseline", "ffi to portable"], rows);
}

const busier = ({ sender, receiver }: Throughput["microseconds"]) => Math.max(sender, receiver);

/** What a packet takes, and the least it would if there were nothing but the sockets and the cipher: as a sum, and as a program. */
function cost({ runtimes }: LibraryResults): string {
  const rows = runtimes.map(({ runtime, throughput, cipher }) => {
    const { baseline, portable, sockets, "sealed sockets": sealed } = throughput;
    const both = (of?: { sender: number; receiver: number }) =>
      of && `${of.sender.toFixed(1)}, ${of.receiver.toFixed(1)}`;
    const least = cipher &&
      sockets && {
        sender: sockets.microseconds.sender + cipher.seal,
        receiver: sockets.microseconds.receiver + cipher.open,
      };
    const over = (of?: Throughput["microseconds"]) =>
      of && baseline && `${(busier(baseline.microseconds) / busier(of)).toFixed(2)} ×`;
    return [
      runtime,
      both(baseline?.microseconds),
      both(portable?.microseconds),
      both(sockets?.microseconds),
      cipher && both({ sender: cipher.seal, receiver: cipher.open }),
      both(least),
      both(sealed?.microseconds),
      over(portable?.microseconds),
      over(least),
      over(sealed?.microseconds),
    ];
  });
  const head = ["", "baseline", "portable", "sockets", "cipher", "sockets and cipher", "sealed sockets"];
  const ratios = ["portable", "sockets and cipher", "sealed sockets"].map((name) => `${name} to baseline`);
  return table([...head, ...ratios], rows);
}

function memory({ runtimes }: LibraryResults): string {
  const counts = [0, 1, 10, 100, 1000].map(String);
  const rows = runtimes.flatMap((runtime) =>
    TUNNELS.flatMap((name) => {
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
    "Through the tunnel, packets of 1,420 bytes: Mbit/s, and per CPU-second of the end that took more; and through sockets alone.",
    throughput(results),
    "Microseconds of CPU time for a packet, at the sender and at the receiver. The cipher is ChaCha20-Poly1305 of 1,420 bytes in this runtime, in batches:",
    cost(results),
    "From `Device.create` to the first packet at the other end, in a new process:",
    first(results),
    memory(results),
  ].join("\n\n");
}
