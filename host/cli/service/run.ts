/** The daemon as a service: the system's manager starts and ends it, its log is that of events. */
import { runDaemon } from "../../daemon/daemon.ts";
import type { RunningService, Services } from "../../os/services.ts";
import { describeError } from "../command-errors.ts";
import { configure } from "../quick/up.ts";
import { type ServiceTarget, serviceTarget } from "./target.ts";

const EVENTS = { error: "warning", verbose: "information" } as const;

/** @param args the tunnel's name, then what `install` was given. What goes wrong is in the log of events */
export async function run(services: Services, [tunnel = "", ...words]: readonly string[]): Promise<never> {
  const service = await services.enter(tunnel);
  const code = await outcome(service, words);
  service.ended(code === 0 ? "in order" : "failed");
  // The resolver may hold on to a name for as long as it likes.
  process.exit(code);
}

async function outcome(service: RunningService, words: readonly string[]): Promise<number> {
  try {
    const target = serviceTarget(words, process.env);
    try {
      await runTunnel(service, target);
    } finally {
      target.config?.close();
    }
    return 0;
  } catch (error) {
    service.log("error", describeError(error));
    return 1;
  }
}

async function runTunnel(service: RunningService, { request, config }: ServiceTarget): Promise<void> {
  const { foreground: _, keepsLog: __, ...options } = request;
  const { interfaceName, logLevel } = options;
  const refused = new AbortController();
  let refusal: unknown;
  /** Through the control pipe, as another program would. */
  const begin = async (): Promise<void> => {
    try {
      if (config !== undefined) await configure({ config, interfaceName });
      service.ready();
    } catch (error) {
      refusal = error;
      refused.abort();
    }
  };
  await runDaemon({
    ...options,
    signal: AbortSignal.any([service.signal, refused.signal]),
    onReady: () => void begin(),
    log: (level, message) => {
      if (logLevel === "verbose" || logLevel === level) service.log(EVENTS[level], message);
    },
  });
  if (refusal !== undefined) throw refusal;
}
