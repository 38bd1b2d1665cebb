/** The daemon as a service: the system's manager starts and ends it, its log is that of events. */
import { runDaemon } from "../../daemon/daemon.ts";
import type { RunningService, Services } from "../../os/services.ts";
import { CliError, describeError } from "../command-errors.ts";
import { type Remark, takeRemarks } from "../print.ts";
import { checkInterruption, interruptBy, wasInterrupted } from "../quick/shell.ts";
import { requireAbsence, setUp } from "../quick/up.ts";
import { type ServiceTarget, serviceTarget } from "./target.ts";

const EVENTS = { error: "warning", verbose: "information" } as const;
const LEVELS = { warning: "error", step: "verbose" } as const satisfies Record<Remark, keyof typeof EVENTS>;

/** @param args the tunnel's name, then what `install` was given. What goes wrong is in the log of events */
export async function run(services: Services, [tunnel = "", ...words]: readonly string[]): Promise<never> {
  const service = await services.enter(tunnel);
  interruptBy(service.signal);
  const code = await outcome(service, words);
  // Whoever asked it to end does not want it started again, whatever went wrong meanwhile.
  service.ended(code === 0 || service.signal.aborted ? "in order" : "failed");
  // The resolver may hold on to a name for as long as it likes.
  process.exit(code);
}

async function outcome(service: RunningService, words: readonly string[]): Promise<number> {
  try {
    const target = await serviceTarget(words, process.env);
    try {
      await runTunnel(service, target);
    } finally {
      target.setUp?.config.close();
    }
    return 0;
  } catch (error) {
    // Asked to end while it began, and nothing is left of that: as it was wanted.
    if (wasInterrupted(error)) return 0;
    service.log("error", describeError(error));
    return 1;
  }
}

async function runTunnel(service: RunningService, { request, setUp: from }: ServiceTarget): Promise<void> {
  const { foreground: _, keepsLog: __, ...options } = request;
  const { interfaceName, logLevel } = options;
  const log = (level: keyof typeof EVENTS, message: string): void => {
    if (logLevel === "verbose" || logLevel === level) service.log(EVENTS[level], message);
  };
  takeRemarks((remark, text) => log(LEVELS[remark], text));
  if (from !== undefined) await requireAbsence(from.system, from.config);
  const ended = new AbortController();
  /** While the interface is there: what would outlive it can be undone only then. */
  const end = async (): Promise<void> => {
    await from?.system.undo({ config: from.config, interfaceName });
    ended.abort();
  };
  let fault: unknown = new CliError(`${interfaceName} ended before it was set up`, "Start it again");
  /** Through the control pipe, as another program would. The file is given free then: replaced, it stays in its folder while it is open. */
  const begin = async (): Promise<void> => {
    try {
      if (from !== undefined) await setUp(from.system, { config: from.config, interfaceName });
      checkInterruption();
      fault = undefined;
      service.ready();
      service.signal.addEventListener("abort", () => void end(), { once: true });
    } catch (refusal) {
      fault = refusal;
      await end();
    } finally {
      from?.config.close();
    }
  };
  checkInterruption();
  await runDaemon({ ...options, signal: ended.signal, onReady: () => void begin(), log });
  if (fault !== undefined) throw fault;
}
