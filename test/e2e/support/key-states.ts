/** Runs the scenario of key-scenario.ts beside a daemon, and reads what it found in each state. */
import { fileURLToPath } from "node:url";
import type { Find } from "./memory-scan.ts";
import type { Namespace } from "./topology.ts";

const SCENARIO = fileURLToPath(new URL("./key-scenario.ts", import.meta.url));

export interface State {
  readonly state: string;
  readonly secrets: readonly string[];
  readonly finds: readonly Find[];
}

/** @param layout  "layout" for wasmguard, whose core keeps handshake secrets where the scenario can look */
export async function playStates(
  namespace: Namespace,
  pid: number,
  name: string,
  ...layout: "layout"[]
): Promise<State[]> {
  const argv = [process.execPath, SCENARIO, `${pid}`, name, ...layout];
  const output = await namespace.run(argv, { timeoutMs: 50_000, env: { NODE_OPTIONS: undefined } });
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
