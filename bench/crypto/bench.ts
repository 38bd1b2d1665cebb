// `npm run bench`: the crypto comparison. Installs the libraries if need be, bundles the suite, runs it in the wanted
// runtime on one core, prints the tables, and keeps the figures in bench/results/.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installBenchPackages } from "../install.ts";
import { RUNTIMES, type RuntimeName, runtimeCommand } from "../runtimes.ts";
import type { Settings } from "./measure.ts";
import type { CryptoResults } from "./results.ts";
import type { Request } from "./run.ts";

const USAGE = `npm run bench -- [options]
  --runtime NAME[,NAME…]  ${RUNTIMES.join(", ")} or all; without it node26
  --rounds N              rounds over all contestants; without it 21
  --no-openssl            leave out openssl speed
  --smoke                 one very short round: does everything work? keeps nothing
  --write-docs            afterwards bring docs/benchmarks-crypto.md, the chart and README.md up to date
  --docs-only             do just that, with the figures that are in bench/results/`;

const FULL: Settings = { rounds: 21, samples: 13, sampleMs: 1, warmUpMs: 200 };
const SMOKE: Settings = { rounds: 1, samples: 3, sampleMs: 0.1, warmUpMs: 2 };

const given = process.argv.slice(2);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const resultsFile = (runtime: string) => here(`../results/crypto-${runtime}.json`);

function options() {
  try {
    return parseArgs({
      options: {
        runtime: { type: "string", default: "node26" },
        rounds: { type: "string", default: String(FULL.rounds) },
        openssl: { type: "boolean", default: true },
        smoke: { type: "boolean", default: false },
        "write-docs": { type: "boolean", default: false },
        "docs-only": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
      allowNegative: true,
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function chosenRuntimes(text: string): readonly RuntimeName[] {
  if (text === "all") return RUNTIMES;
  return text.split(",").map((name) => {
    const found = RUNTIMES.find((one) => one === name);
    if (!found) {
      console.error(`There is no runtime "${name}" here.\n\n${USAGE}`);
      process.exit(2);
    }
    return found;
  });
}

/** The last core: the first one tends to serve interrupts. Without taskset the system places the process. */
function pinning(): { readonly prefix: readonly string[]; readonly core?: number } {
  const core = availableParallelism() - 1;
  const works = spawnSync("taskset", ["-c", String(core), "true"]).status === 0;
  if (!works) console.error("taskset is not available: the run is not bound to one core.");
  return works ? { prefix: ["taskset", "-c", String(core)], core } : { prefix: [] };
}

const { runtime, rounds, openssl, smoke, help, "write-docs": writeDocs, "docs-only": docsOnly } = options();
if (help) {
  console.log(USAGE);
  process.exit(0);
}
const settings = smoke ? SMOKE : { ...FULL, rounds: Number(rounds) };
if (!(Number.isInteger(settings.rounds) && settings.rounds > 0)) {
  console.error(`--rounds wants a number above 0\n\n${USAGE}`);
  process.exit(2);
}
const runtimes = chosenRuntimes(runtime);
installBenchPackages();
// These need the packages just installed.
const { bundleRun, packageVersions } = await import("./bundle.ts");
const { circumstances, sections, targetTable } = await import("../report/tables.ts");

/** Its command, or the end with a message: before anything is measured. */
function findRuntime(name: RuntimeName): string[] {
  try {
    return runtimeCommand(name);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function run(name: RuntimeName, runtimeCall: readonly string[], bundle: string): void {
  const { prefix, core } = pinning();
  const out = smoke ? here("../.build/smoke.json") : resultsFile(name);
  const request: Request = {
    runtime: name,
    command: ["npm run bench", ...(given.length > 0 ? ["--", ...given] : [])].join(" "),
    out,
    settings,
    openssl: openssl && !smoke ? "measure" : "skip",
    versions: packageVersions(),
    ...(core !== undefined && { pinnedTo: core }),
  };
  const [command, ...args] = [...prefix, ...runtimeCall, bundle, JSON.stringify(request)];
  console.error(`Measuring in ${name}${core === undefined ? "" : `, pinned to core ${core}`} …`);
  const env = { ...process.env, NODE_NO_WARNINGS: "1" }; // WebCrypto's newest algorithms are experimental in Node
  const { status } = spawnSync(command!, args, { stdio: ["ignore", "inherit", "inherit"], env });
  if (status !== 0) process.exit(status ?? 1);
  const results = JSON.parse(readFileSync(out, "utf8")) as CryptoResults;
  const targets = targetTable(results);
  const tables = [...(targets ? [{ title: "Targets", body: targets }] : []), ...sections(results)];
  console.log(circumstances(results).join("\n"));
  for (const { title, body } of tables) console.log(`\n${title}\n${body}`);
  if (!smoke) console.log(`\nKept in ${out}`);
}

if (!docsOnly) {
  mkdirSync(here("../results"), { recursive: true });
  const bundle = await bundleRun();
  const commands = runtimes.map((name) => [name, findRuntime(name)] as const);
  for (const [name, command] of commands) run(name, command, bundle);
}
if (writeDocs || docsOnly) {
  const { writeDocs: write } = await import("../report/docs.ts");
  for (const path of write()) console.log(`wrote ${path}`);
}
