/**
 * Host names of endpoints to addresses, with the patience of `wg`: at boot the resolver may come up after us.
 * Retries as wg: 15, or WG_ENDPOINT_RESOLUTION_RETRIES (a number or "infinity"); 1 s, growing by 6/5 up to 20 s.
 */
import { lookup } from "node:dns/promises";
import { setTimeout as delay } from "node:timers/promises";
import { canonicalEndpoint } from "../../address/canonical.ts";
import { CliError } from "../command-errors.ts";
import { complain } from "../print.ts";
import { interruptible } from "./shell.ts";

const RETRIES_DEFAULT = 15;
const DELAY_FIRST_MS = 1000;
const DELAY_MAX_MS = 20_000;
/** What will not get better by waiting (EAI_NONAME, EAI_NODATA, EAI_FAIL). */
const PERMANENT = ["ENOTFOUND", "EAI_FAIL"];

function retriesAllowed(text: string | undefined): number {
  if (text === undefined) return RETRIES_DEFAULT;
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CliError("WG_ENDPOINT_RESOLUTION_RETRIES is not a number", 'Give a number, or "infinity"');
}

function joined(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * @returns  `address:port` or `[address]:port`
 * @throws   CliError if the name cannot be resolved
 */
export async function resolveEndpoint(host: string, port: number): Promise<string> {
  const numeric = canonicalEndpoint(joined(host, port));
  if (numeric !== undefined) return numeric;
  const retries = retriesAllowed(process.env.WG_ENDPOINT_RESOLUTION_RETRIES);
  let wait = DELAY_FIRST_MS;
  for (let attempt = 0; ; attempt++) {
    try {
      const { address } = await interruptible(lookup(host));
      return joined(address, port);
    } catch (error) {
      if (error instanceof CliError) throw error;
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
      if (PERMANENT.includes(code) || attempt >= retries) {
        throw new CliError(`cannot resolve the endpoint ${host} (${code})`, "Check the name and the DNS servers", 1, {
          cause: error,
        });
      }
      complain(`${code}: \`${host}:${port}'. Trying again in ${(wait / 1000).toFixed(2)} seconds...\n`);
      await interruptible(delay(wait));
      wait = Math.min(DELAY_MAX_MS, wait * 1.2);
    }
  }
}
