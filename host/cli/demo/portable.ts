/** The demo in one process, without root: the portable driver over loopback UDP and TUN devices in memory. */
import { CliError } from "../errors.ts";

export async function runPortableDemo(_signal: AbortSignal): Promise<void> {
  throw new CliError("the demo without TUN devices is not part of this build", "Run it as root: sudo wasmguard demo");
}
