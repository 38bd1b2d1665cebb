/**
 * `npm run bench:proxy`: what users of a tunnel without root get: throughput, requests, latency and memory of wasmguard's proxy, by SOCKS5 and by a
 * forward, beside others that forward a port. As root, for namespaces.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { positive, readCommandLine } from "../command-line.ts";
import { installBenchPackages } from "../install.ts";
import { loadAverage, machine } from "../tunnel/machine.ts";
import { enter, isInside, obstacle } from "../tunnel/sandbox.ts";
import type { ProxyResults } from "./results.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = here("../results/proxy.json");
const PAGE = here("../../docs/benchmarks.md");
const LIMIT_MS = 900_000;

const USAGE = `npm run bench:proxy [-- options]   (as root)
  --seconds N       of each run (3)
  --repetitions N   of everything (3)
  --write-docs      afterwards bring docs/benchmarks.md up to date`;

const options = readCommandLine(USAGE, {
  seconds: { type: "string", default: "3" },
  repetitions: { type: "string", default: "3" },
  "write-docs": { type: "boolean", default: false },
});
const seconds = positive(USAGE, "seconds", options.seconds);
const repetitions = positive(USAGE, "repetitions", options.repetitions);

async function measure(): Promise<ProxyResults> {
  const { installedClients } = await import("../net/clients/programs.ts");
  const { measureProxy } = await import("./measure.ts");
  const before = loadAverage();
  const runs = [];
  for (let i = 0; i < repetitions; i++) {
    for (const client of installedClients()) {
      for (const way of client.kind === "ours" ? (["SOCKS5", "forward"] as const) : (["forward"] as const)) {
        console.error(`${client.name}, ${way} …`);
        runs.push(await measureProxy(client, way, seconds));
      }
    }
  }
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    command: `npm run bench:proxy -- --seconds ${seconds} --repetitions ${repetitions}`,
    load: [before, loadAverage()],
    seconds,
    machine: machine(),
    runtime: `Node ${process.versions.node}`,
    runs,
  };
}

if (isInside()) {
  const results = await measure();
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 1)}\n`);
  const { proxyTable } = await import("./tables.ts");
  console.log(proxyTable(results));
  process.exit();
}
const reason = obstacle();
if (reason !== undefined) {
  console.error(`bench:proxy: ${reason}`);
  process.exit(1);
}
installBenchPackages(); // from the registry, which the sandbox cannot reach
process.exitCode = await enter(LIMIT_MS);
if (options["write-docs"] && process.exitCode === 0) {
  const { proxyTable } = await import("./tables.ts");
  const { replacePart } = await import("../report/docs.ts");
  const results = JSON.parse(readFileSync(RESULTS, "utf8")) as ProxyResults;
  writeFileSync(PAGE, replacePart(readFileSync(PAGE, "utf8"), "proxy", proxyTable(results)));
}
process.exit();
