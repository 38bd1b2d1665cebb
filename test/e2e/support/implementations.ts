/**
 * The programs under test: anything with wireguard-go's command line. WASMGUARD_E2E_SUBJECT chooses the one that the
 * tests are about; with wireguard-go there, the harness is checked against an independent implementation.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findProgram } from "./requirements.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export interface Implementation {
  readonly name: string;
  /** The command before its arguments. */
  readonly command: readonly string[];
  /** Why it cannot run here. */
  unavailable(): string | undefined;
  /** Goes on sending from an address that was taken away, until its sockets are bound anew. */
  readonly keepsLostSource?: true;
  /** Its IPv4 datagrams must not be fragmented on the way (DF). */
  readonly setsDontFragment?: true;
  /** Asks the device by an empty write whether it is up, which current kernels always affirm. */
  readonly missesDown?: true;
  /** The same program as an initiator that rekeys after so long instead of 120 s, where it can be told to. */
  rekeyingAfter?(ms: number): Implementation;
}

export const wireguardGo: Implementation = {
  name: "wireguard-go",
  command: ["wireguard-go"],
  keepsLostSource: true,
  setsDontFragment: true,
  missesDown: true,
  unavailable: () => (findProgram("wireguard-go") ? undefined : "wireguard-go is not installed"),
};

export function wasmguard(name: string, runtime: readonly string[]): Implementation {
  const program = `${ROOT}bin/wasmguard.js`;
  return {
    name,
    command: [...runtime, program],
    rekeyingAfter(ms) {
      return { ...this, command: [...this.command, "--rekey-after", `${ms}`] };
    },
    unavailable() {
      if (!existsSync(program) || !existsSync(`${ROOT}dist`)) return "wasmguard is not built (npm run build)";
      return findProgram(runtime[0]!) ? undefined : `${runtime[0]} is missing (npm run runtimes)`;
    },
  };
}

export const wasmguardOnNode = wasmguard("wasmguard", [`${ROOT}node_modules/.bin/node`]);

/** The program that the tests are about. */
export const subject: Implementation =
  process.env.WASMGUARD_E2E_SUBJECT === "wireguard-go" ? wireguardGo : wasmguardOnNode;

export interface Pair {
  readonly name: string;
  readonly near: Implementation;
  readonly far: Implementation;
}

function pair(near: Implementation, far: Implementation): Pair {
  return { name: `${near.name} to ${far.name}`, near, far };
}

/** Who talks to whom: the subject with itself and, in both roles, with wireguard-go. */
export const pairs: readonly Pair[] =
  subject === wireguardGo
    ? [pair(wireguardGo, wireguardGo)]
    : [pair(subject, subject), pair(subject, wireguardGo), pair(wireguardGo, subject)];
