/**
 * The results as Markdown tables: for the terminal and for docs/benchmarks.md.
 */
import { markdownTable } from "markdown-table";
import { isUdp, TESTS, type Test, type TunnelResults } from "./results.ts";
import { type Figure, figure, losses, type MetricName, median, ratio } from "./summary.ts";
import { verdicts } from "./targets.ts";

const MIB = 2 ** 20;
const NONE = "–";

export const TEST_TITLES: Readonly<Record<Test, string>> = {
  tcp1: "TCP, 1 stream",
  tcp4: "TCP, 4 streams",
  tcprev: "TCP, 1 stream, reverse",
  udp: "UDP, 1392 bytes, full rate",
  udp512: "UDP, 512 bytes, full rate",
  udp64: "UDP, 64 bytes, full rate",
  udppaced: "UDP, paced",
  ping: "ping",
};

export interface Section {
  readonly title: string;
  readonly body: string;
}

function number(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? NONE : value.toFixed(digits);
}

function withRange(one: Figure | undefined, digits: number): string {
  if (!one) return NONE;
  const text = number(one.median, digits);
  return one.low === one.high ? text : `${text} (${number(one.low, digits)}–${number(one.high, digits)})`;
}

function mebibytes(bytes: number | undefined): string {
  return number(bytes === undefined ? undefined : bytes / MIB, 0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[], leftColumns = 1): string {
  const align = head.map((_, i) => (i < leftColumns ? "l" : "r"));
  return markdownTable([[...head], ...rows.map((row) => [...row])], {
    align,
    stringLength: (text) => [...text].length,
  });
}

/** In the order of measuring: the bare link first. */
function subjects({ traffic }: TunnelResults): string[] {
  return [...new Set(traffic.map((one) => one.program))];
}

function rateTable(results: TunnelResults, test: Test): string {
  const head = ["", "Mbit/s", ...(isUdp(test) ? ["sent", "lost %"] : ["resent"])];
  head.push("CPU-s/GB near", "far", "both", "machine", "peak MiB", "steal %");
  const rows = subjects(results).flatMap((name) => {
    const value = (metric: MetricName) => figure(results, name, test, metric)?.median;
    const megabits = figure(results, name, test, "megabits");
    if (!megabits) return [];
    const bare = !results.programs.some((one) => one.name === name);
    return [
      [
        name,
        withRange(megabits, 0),
        ...(isUdp(test)
          ? [number(value("sentMegabits"), 0), number(value("lostPercent"), 1)]
          : [number(value("retransmits"), 0)]),
        ...(bare
          ? [NONE, NONE, NONE]
          : [number(value("nearCpu"), 2), number(value("farCpu"), 2), number(value("cpu"), 2)]),
        number(value("machineCpu"), 2),
        bare ? NONE : mebibytes(value("peak")),
        number(value("steal"), 1),
      ],
    ];
  });
  return table(head, rows);
}

function pingTable(results: TunnelResults): string {
  const rows = subjects(results).flatMap((name) => {
    const p50 = figure(results, name, "ping", "p50");
    if (!p50) return [];
    const p99 = figure(results, name, "ping", "p99");
    const value = (metric: MetricName) => figure(results, name, "ping", metric)?.median;
    const bare = !results.programs.some((one) => one.name === name);
    return [
      [
        name,
        withRange(p50, 3),
        withRange(p99, 3),
        bare ? NONE : number(value("echoCpu"), 0),
        number(value("lostPercent"), 1),
      ],
    ];
  });
  return table(["", "p50 ms", "p99 ms", "CPU-µs, both", "lost %"], rows);
}

function ratioTable(results: TunnelResults): string | undefined {
  const main = results.programs.find((one) => one.kind === "ours");
  const others = results.programs.filter((one) => one !== main).map(({ name }) => name);
  if (!main || others.length === 0) return undefined;
  const tests = TESTS.filter((test) => results.traffic.some((one) => one.test === test));
  const metrics = (test: Test): [MetricName, string][] =>
    test === "ping"
      ? [["p50", "p50"]]
      : [...(test === "udppaced" ? [] : [["megabits", "Mbit/s"] as [MetricName, string]]), ["cpu", "CPU-s/GB"]];
  const rows = tests.flatMap((test) =>
    metrics(test).map(([metric, title]) => [
      `${TEST_TITLES[test]}, ${title}`,
      ...others.map((other) => withRange(ratio(results, main.name, other, test, metric), 2)),
    ]),
  );
  return table([`${main.name} to`, ...others], rows);
}

function lossTable(results: TunnelResults): string | undefined {
  const rows = results.programs.flatMap(({ name }) => {
    const shares = losses(results, name);
    if (shares.nearTun === undefined) return [];
    return [[name, ...Object.values(shares).map((share) => number(share, 1))]];
  });
  if (rows.length === 0) return undefined;
  const head = [
    "% of the datagrams sent",
    "sending TUN queue",
    "send buffer",
    "link",
    "daemon's socket",
    "receiving TUN",
  ];
  return table([...head, "iperf3's socket"], rows);
}

function peersTable({ peers }: TunnelResults): string {
  const keys = [...new Set(peers.map((one) => `${one.program}\0${one.peers}`))];
  const rows = keys.map((key) => {
    const [program, count] = key.split("\0") as [string, string];
    const ones = peers.filter((one) => one.program === program && one.peers === Number(count));
    const value = (pick: (one: (typeof ones)[number]) => number) => median(ones.map(pick));
    return [
      program,
      count,
      number(
        value((one) => one.setconfMs),
        0,
      ),
      number(
        value((one) => one.againMs),
        0,
      ),
      number(
        value((one) => one.dumpMs),
        0,
      ),
      mebibytes(value((one) => one.residentBytes)),
      mebibytes(value((one) => one.peakBytes)),
      number(
        value((one) => one.idlePercent),
        0,
      ),
    ];
  });
  return table(["", "peers", "setconf ms", "again ms", "dump ms", "resident MiB", "peak MiB", "idle CPU %"], rows);
}

function handshakesTable({ handshakes }: TunnelResults): string {
  const rows = [...new Set(handshakes.map((one) => one.program))].map((program) => {
    const ones = handshakes.filter((one) => one.program === program);
    const sum = (pick: (one: (typeof ones)[number]) => number) =>
      String(ones.reduce((total, one) => total + pick(one), 0));
    return [
      program,
      number(median(ones.map((one) => one.perSecond)), 0),
      number(median(ones.map((one) => one.cpuMicroseconds)), 0),
      sum((one) => one.answered),
      sum((one) => one.unanswered),
      sum((one) => one.cookies),
    ];
  });
  return table(["", "per second", "CPU µs each", "answered", "unanswered", "cookies"], rows);
}

function startTable({ start }: TunnelResults): string {
  const rows = [...new Set(start.map((one) => one.program))].map((program) => {
    const ones = start.filter((one) => one.program === program);
    const value = (
      name: "answerMs" | "returnMs" | "cpuMs" | "importMs" | "compileMs" | "instantiateMs",
      digits: number,
    ) => number(median(ones.flatMap((one) => one[name] ?? [])), digits);
    return [
      program,
      value("answerMs", 0),
      value("returnMs", 0),
      value("cpuMs", 0),
      value("importMs", 1),
      value("compileMs", 2),
      value("instantiateMs", 2),
    ];
  });
  return table(["ms", "socket answers", "command returns", "CPU", "core: import", "compile", "instantiate"], rows);
}

function targetTable(results: TunnelResults): string | undefined {
  const rows = verdicts(results).map(({ what, against, bound, measured, met }) => [
    what,
    against,
    bound,
    `${number(measured, 2)}×`,
    met ? "met" : "NOT MET",
  ]);
  return rows.length === 0 ? undefined : table(["", "against", "goal", "measured", ""], rows, 2);
}

function failures({ traffic }: TunnelResults): string {
  return traffic
    .flatMap(({ program, repetition, test, failed }) =>
      failed ? [`- ${program} #${repetition} ${test}: ${failed}`] : [],
    )
    .join("\n");
}

export function sections(results: TunnelResults): Section[] {
  const tests = TESTS.filter((test) => results.traffic.some((one) => one.test === test && !one.failed));
  const all: { title: string; body: string | undefined }[] = [
    { title: "Targets", body: targetTable(results) },
    ...tests.map((test) => ({
      title: test === "udppaced" ? `${TEST_TITLES[test]} at ${results.pacedMegabits} Mbit/s` : TEST_TITLES[test],
      body: test === "ping" ? pingTable(results) : rateTable(results, test),
    })),
    { title: "Ratios, repetition by repetition", body: tests.length > 0 ? ratioTable(results) : undefined },
    { title: "Where UDP at full rate is lost", body: lossTable(results) },
    { title: "Peers", body: results.peers.length > 0 ? peersTable(results) : undefined },
    { title: "Handshakes as responder", body: results.handshakes.length > 0 ? handshakesTable(results) : undefined },
    { title: "Start", body: results.start.length > 0 ? startTable(results) : undefined },
    { title: "Failed", body: failures(results) },
  ];
  return all.flatMap(({ title, body }) => (body ? [{ title, body }] : []));
}

/** Where and how the figures were taken, a line each. */
export function circumstances({
  machine,
  load,
  programs,
  iperf,
  date,
  command,
  traffic,
  seconds,
}: TunnelResults): string[] {
  const repetitions = Math.max(0, ...traffic.map((one) => one.repetition));
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.system}, ${machine.kernel}`,
    `${programs.map(({ name, version }) => (name.includes(version) ? name : `${name} (${version})`)).join("; ")}; ${iperf}`,
    `${date} UTC, \`${command}\`: ${repetitions} repetitions of ${seconds} s; load average ${load[0]} before, ${load[1]} after`,
  ];
}
