/** Routes by route(8), which ends well also where it was refused: what came of it is to be asked. */
import { CliError } from "../../command-errors.ts";
import { checkInterruption } from "../shell.ts";
import { familyOf, type Programs } from "./programs.ts";

/** As `route get` tells it. */
interface Route {
  readonly destination?: string;
  readonly gateway?: string;
  readonly interface?: string;
  readonly flags?: string;
}

/** The one that packets to there take. */
export async function askRoute({ ask }: Programs, destination: string): Promise<Route> {
  const text = await ask("route", "-n", "get", `-${familyOf(destination)}`, destination);
  return Object.fromEntries(Array.from(text.matchAll(/^\s*(\w+): (\S+)$/gm), ([, name, value]) => [name, value]));
}

/** @param way of a route that is added */
export function changeRoute(
  { attempt }: Programs,
  verb: "add" | "delete",
  destination: string,
  way: readonly string[] = [],
): Promise<void> {
  return attempt(["route", "-q", "-n", verb, `-${familyOf(destination)}`, destination, ...way]);
}

/** Unless it is there already. @throws CliError if it is not there then, or if a signal came */
export async function routeInto(programs: Programs, interfaceName: string, prefix: string): Promise<void> {
  const leadsThere = async (): Promise<boolean> => (await askRoute(programs, prefix)).interface === interfaceName;
  if (await leadsThere()) return;
  await changeRoute(programs, "add", prefix, ["-interface", interfaceName]);
  const isSet = await leadsThere();
  checkInterruption();
  if (!isSet) throw new CliError(`the route to ${prefix} through ${interfaceName} was refused`, "See: netstat -rn");
}
