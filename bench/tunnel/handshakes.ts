/**
 * Handshakes per second that a program answers as responder, and its CPU time for one. The initiations are made before;
 * they go over the loopback of a namespace, one of each peer, with only a few unanswered at any time: the responder is busy and
 * never "under load", when it would ask for cookies instead.
 */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { sleep } from "../../test/e2e/support/exec.ts";
import { Topology } from "../../test/e2e/support/topology.ts";
import { formatConfig, makeKeyPair } from "../../test/e2e/support/wireguard.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../test/reference/noise.ts";
import { startDaemon } from "./bed.ts";
import { cpuTime } from "./counters.ts";
import type { LoadReport } from "./handshake-load.ts";
import type { Program } from "./programs.ts";
import type { HandshakesResult } from "./results.ts";

const LOAD = fileURLToPath(new URL("./handshake-load.ts", import.meta.url));
const PORT = 51_820;
const WINDOW = 16;

export interface Initiators {
  readonly responder: { readonly privateKey: string; readonly publicKey: Uint8Array };
  readonly publicKeys: readonly string[];
  /** One initiation of each; good for every program, since each round has a fresh one that saw none before. */
  readonly messages: readonly Uint8Array[];
  readonly first: { readonly privateKey: Uint8Array };
}

function initiation(privateKey: Uint8Array, responder: Uint8Array, index: number) {
  const initiator = new ReferenceInitiator(privateKey, responder);
  const time = timestamp(Math.floor(Date.now() / 1000), 0);
  const message = initiator.createInitiation(time, { ephemeral: randomBytes(32), senderIndex: index });
  return { initiator, message };
}

/** Some milliseconds for each. */
export function makeInitiators(count: number): Initiators {
  const pair = makeKeyPair();
  const responder = { privateKey: pair.privateKey, publicKey: Buffer.from(pair.publicKey, "base64") };
  const privateKeys = Array.from({ length: count }, () => randomBytes(32));
  return {
    responder,
    publicKeys: privateKeys.map((key) => Buffer.from(publicKeyOf(key)).toString("base64")),
    messages: privateKeys.map((key, i) => initiation(key, responder.publicKey, i).message),
    first: { privateKey: privateKeys[0]! },
  };
}

export async function measureHandshakes(program: Program, initiators: Initiators): Promise<HandshakesResult> {
  const { responder, publicKeys, messages } = initiators;
  await using topology = new Topology();
  const namespace = await topology.namespace("responder");
  const daemon = await startDaemon(topology, namespace, program);
  const pids = namespace.pids();
  const peers = publicKeys.map((publicKey, i) => ({ publicKey, allowedIps: [`10.9.${i >> 8}.${i & 255}/32`] }));
  const config = formatConfig({ privateKey: responder.privateKey, listenPort: PORT, peers });
  await daemon.wg("setconf", daemon.interface, topology.file("responder.conf", config));
  await namespace.ip("link", "set", daemon.interface, "up");
  await sleep(500);

  // The first one is made anew in each round, so that its answer can be decrypted.
  const first = initiation(initiators.first.privateKey, responder.publicKey, 0);
  const lines = [first.message, ...messages.slice(1)].map((message) => Buffer.from(message).toString("hex"));
  const file = topology.file("initiations", lines.join("\n"));
  const before = cpuTime(pids).both;
  const argv = [process.execPath, LOAD, file, `${PORT}`, `${WINDOW}`];
  const report: LoadReport = JSON.parse(await namespace.run(argv, { timeoutMs: 60_000 }));
  const cpu = cpuTime(pids).both - before;
  first.initiator.consumeResponse(Buffer.from(report.firstAnswer, "hex")); // throws when it is not genuine
  return {
    program: program.name,
    answered: report.answered,
    unanswered: report.unanswered,
    cookies: report.cookies,
    perSecond: report.answered / report.seconds,
    cpuMicroseconds: (cpu / Math.max(1, report.answered)) * 1e6,
  };
}
