/** `wasmguard service`: a tunnel as a service of the system, where its own manager cannot run the daemon as it is. */

import type { Services } from "../../os/services.ts";
import { services as ofSystem } from "../../os/systems.ts";
import { CliError, UsageError } from "../command-errors.ts";
import { checkInterfaceName } from "../interface-name.ts";
import { selfCommand } from "../launch/command.ts";
import { complain } from "../print.ts";
import { run } from "./run.ts";
import { serviceTarget } from "./target.ts";

type Verb = (services: Services, words: readonly string[]) => Promise<number>;

const VERBS: Readonly<Record<string, Verb>> = {
  install: async (services, words) => {
    const { request, setUp, writers, words: repeated } = await serviceTarget(words, process.env);
    setUp?.config.close();
    const { interfaceName: tunnel, confinement, wintun: driver, metricsToken } = request;
    const self = selfCommand(["service", "run", tunnel, ...repeated]);
    const secrets = [setUp === undefined ? undefined : repeated[0], metricsToken].filter((path) => path !== undefined);
    const remarks = services.install({ tunnel, confinement, ...self, driver, secrets, writers });
    for (const remark of remarks) complain(`Warning: ${remark}\n`);
    return 0;
  },
  start: (services, words) => named(words, (tunnel) => services.start(tunnel)),
  stop: (services, words) => named(words, (tunnel) => services.stop(tunnel)),
  uninstall: (services, words) => named(words, (tunnel) => services.uninstall(tunnel)),
  // What the system's manager starts.
  run,
};

async function named(words: readonly string[], act: (tunnel: string) => Promise<void>): Promise<number> {
  const [tunnel, extra] = words;
  if (tunnel === undefined || extra !== undefined) throw usage();
  await act(checkInterfaceName(tunnel));
  return 0;
}

function usage(): UsageError {
  return new UsageError("service takes a verb and a name", "See: wasmguard help service");
}

/** @throws UsageError, CliError and what the system's errors are */
export async function service([name = "", ...words]: readonly string[]): Promise<number> {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) throw usage();
  const services = await ofSystem();
  if (services === undefined) {
    throw new CliError(
      "service is for Windows: this system's own manager runs the daemon as it is",
      "See docs/daemon.md: for systemd there is a unit",
    );
  }
  return verb(services, words);
}
