/**
 * The profile as tables: nanoseconds of CPU per 1420 bytes for each stage, of the end that sends and the end that receives.
 */
import { markdownTable } from "markdown-table";
import { median } from "../summary.ts";
import type { EndProfile, ProfiledTest, ProfileResults, ScenarioProfile } from "./results.ts";
import type { Stage } from "./stage-clock.ts";

const UNIT_BYTES = 1420;
const KERNEL: readonly Stage[] = ["read", "send", "wait", "receive", "write"];

type Row = readonly [title: string, ns: (end: EndProfile) => number, share?: "of the thread"];

/** What the readings of the clock took. */
const clockNs = (end: EndProfile) =>
  2 * end.readingNs * Object.values(end.calls).reduce((all, calls) => all + calls, 0);

function perUnit(end: EndProfile, side: "near" | "far", ns: number): number {
  return (ns * UNIT_BYTES) / (side === "near" ? end.tunBytesRead : end.tunBytesWritten);
}

function units(end: EndProfile, side: "near" | "far"): number {
  return (side === "near" ? end.tunBytesRead : end.tunBytesWritten) / UNIT_BYTES;
}

const sum = (end: EndProfile, stages: readonly Stage[]) => stages.reduce((total, stage) => total + end.ns[stage], 0);
const probes = (end: EndProfile) => sum(end, ["sealAlone", "openAlone", "probe"]);
const thread = (end: EndProfile) => sum(end, [...KERNEL, "splitAndSeal", "openAndMerge", "host"]);

/** What the AEAD alone took for one packet, in the same process at the same time. */
function aeadNs(end: EndProfile, stage: "sealAlone" | "openAlone"): number {
  return end.ns[stage] / Math.max(1, end.probedPackets);
}

function rows(side: "near" | "far"): Row[] {
  // Acknowledgements are sealed and opened as well; that is too little to be divided.
  const seal = (end: EndProfile) => (side === "near" ? aeadNs(end, "sealAlone") * units(end, side) : 0);
  const open = (end: EndProfile) => (side === "far" ? aeadNs(end, "openAlone") * units(end, side) : 0);
  const sending = side === "near";
  return [
    ["read (TUN)", (end) => end.ns.read],
    [sending ? "split" : "seal and split (acknowledgements)", (end) => end.ns.splitAndSeal - seal(end)],
    ...(sending ? [["seal", seal] as Row] : []),
    ["send (UDP)", (end) => end.ns.send],
    ["wait (poll)", (end) => end.ns.wait],
    ["receive (UDP)", (end) => end.ns.receive],
    ...(sending ? [] : [["open", open] as Row]),
    [sending ? "open and merge (acknowledgements)" : "merge", (end) => end.ns.openAndMerge - open(end)],
    ["write (TUN)", (end) => end.ns.write],
    ["host (TypeScript)", (end) => end.ns.host],
    ["**the thread**", thread],
    ["of it in system calls", (end) => sum(end, KERNEL)],
    [
      "other threads",
      (end) => Math.max(0, (end.userCpu + end.systemCpu) * 1e9 - clockNs(end) - probes(end) - thread(end)),
    ],
  ];
}

function cell(scenarios: readonly ScenarioProfile[], side: "near" | "far", ns: Row[1]): [string, string] {
  const ends = scenarios.map((one) => one[side]);
  const value = median(ends.map((end) => perUnit(end, side, ns(end))));
  const share = median(ends.map((end) => (100 * ns(end)) / thread(end)));
  return [value?.toFixed(0) ?? "–", share === undefined ? "–" : `${share.toFixed(0)} %`];
}

const TITLES: Readonly<Record<ProfiledTest, string>> = {
  tcp1: "TCP, 1 stream",
  udp: "UDP, 1392-byte datagrams at full rate",
  udppaced: "UDP, 1392-byte datagrams paced at 100 Mbit/s",
};

function scenarioTable(results: ProfileResults, test: ProfiledTest): string {
  const scenarios = results.scenarios.filter((one) => one.test === test);
  const bodies = (["near", "far"] as const).map((side) => {
    const title = side === "near" ? "The end that sends" : "The end that receives";
    const head = [title, "ns per 1420 B", "share"];
    const lines = rows(side).map(([name, ns]) => [name, ...cell(scenarios, side, ns)]);
    return markdownTable([head, ...lines], { align: ["l", "r", "r"], stringLength: (text) => [...text].length });
  });
  const per = (side: "near" | "far", stage: Stage, bytes: "tunBytesRead" | "tunBytesWritten") =>
    median(scenarios.map((one) => one[side][bytes] / Math.max(1, one[side].calls[stage])))?.toFixed(0);
  const sizes = [
    `${per("near", "read", "tunBytesRead")} bytes a TUN read`,
    `${per("near", "send", "tunBytesRead")} a send call`,
    `${per("far", "receive", "tunBytesWritten")} a receive call`,
    `${per("far", "write", "tunBytesWritten")} a TUN write`,
  ];
  const rate = median(scenarios.map((one) => one.megabits))?.toFixed(0);
  return `#### ${TITLES[test]}\n\n${rate} Mbit/s while measured; ${sizes.join(", ")}.\n\n${bodies.join("\n\n")}`;
}

export function profileMarkdown(results: ProfileResults): string {
  const { machine, runtime, date, command, load, seconds, scenarios } = results;
  const repetitions = Math.max(0, ...scenarios.map((one) => one.repetition));
  const { readingNs } = scenarios[0]!.near;
  const facts = [
    `${machine.cpu}, ${machine.cores} cores; ${machine.system}, ${machine.kernel}; ${runtime}`,
    `${date} UTC, \`${command}\`: ${repetitions} repetitions of ${seconds} s; load average ${load[0]} before, ${load[1]} after`,
    `a reading of the clock, taken off: ${readingNs.toFixed(0)} ns`,
  ];
  const tests = [...new Set(scenarios.map((one) => one.test))];
  return [facts.map((line) => `- ${line}`).join("\n"), ...tests.map((test) => scenarioTable(results, test))].join(
    "\n\n",
  );
}
