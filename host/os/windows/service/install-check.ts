/** What is looked at before a tunnel becomes a service: nobody but administrators is to decide what the system will run. */
import { existsSync, realpathSync } from "node:fs";
import { win32 as windowsPath } from "node:path";
import { errorCode } from "../../../error-code.ts";
import { ServicePathError, WintunMissingError, withoutGrants } from "../../../ffi/windows/windows-errors.ts";
import type { ServiceRequest } from "../../services.ts";
import { wintunPlaces } from "../wintun.ts";
import { programFiles } from "./program-files.ts";
import { type Look, Writers } from "./writers.ts";

/** @returns who else could read secrets @throws ServicePathError, WintunMissingError, WritableError, WindowsError */
export function checkInstall(
  look: Look,
  { driver, secrets, writers }: Pick<ServiceRequest, "driver" | "secrets" | "writers">,
): string[] {
  const places = wintunPlaces(driver);
  const libraries = places.filter((place) => existsSync(place));
  // Whose a file will be, nobody knows before it is there.
  if (libraries.length === 0) throw new WintunMissingError(places);
  const known = new Writers(look, writers);
  for (const path of [...programFiles(), ...libraries, ...secrets]) {
    requireRealPath(path);
    known.require(path);
  }
  return secrets.flatMap((path) => {
    const reader = known.reader(path);
    return reader === undefined ? [] : `${path} holds a secret that ${reader} may read: ${withoutGrants(path, reader)}`;
  });
}

/**
 * Windows tells who may change what a link leads to, not the link; and of another machine's files it tells that machine's administrators.
 * @throws ServicePathError
 */
function requireRealPath(path: string): void {
  const real = realPath(path);
  if (!/^[A-Za-z]:\\/.test(real)) {
    throw new ServicePathError(`${real} is on no drive of this machine`, "Put it below C:\\Program Files");
  }
  if (caseless(real) === caseless(windowsPath.normalize(path))) return;
  const fault = `${path} is a link to ${real}, or another name of it, and may lead elsewhere later`;
  throw new ServicePathError(fault, `Name it by its real path: ${real}`);
}

function realPath(path: string): string {
  try {
    // Windows' own answer: it knows links of all kinds, drives that stand for folders, and short names.
    return realpathSync.native(path);
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw cause;
    const nextStep = "Make it first: what a service reads is looked at when it is installed";
    throw new ServicePathError(`${path} does not exist`, nextStep, cause);
  }
}

/** Of ASCII letters: for Windows others are the same only by a table of its own. */
function caseless(path: string): string {
  return path.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}
