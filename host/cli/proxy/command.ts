/** `wasmguard proxy`: lets other programs into a tunnel, without root. */
import { closeSync, openSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { wipeSettings } from "../../config/settings.ts";
import { readPlan, type Source } from "../../proxy/config/file.ts";
import { type Credentials, isOpenToAll, type Plan, type Service } from "../../proxy/config/plan.ts";
import { describeTarget } from "../../proxy/way.ts";
import { CliError, UsageError } from "../command-errors.ts";
import { parseOptions } from "../option-table.ts";
import { readToEnd } from "../read-to-end.ts";
import { type ProxyFlags, runOptionsOf, servicesOf, strategyOf } from "./flags.ts";
import { PROXY_OPTIONS } from "./options.ts";
import { runProxy } from "./run.ts";

const PASSWORD_BYTES_MAX = 255;

const STDIN = 0;

function readFile(path: string): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    return readToEnd(path, descriptor, null);
  } finally {
    closeSync(descriptor);
  }
}

/** @param path "-" is standard input. @throws CliError */
function readSource(path: string): Source {
  try {
    return { bytes: path === "-" ? readToEnd(path, STDIN, null) : readFile(path), fileName: basename(path) };
  } catch (error) {
    if (error instanceof CliError) throw error;
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new CliError(`cannot read ${path}${code}`, "Give the path of a file that this user may read");
  }
}

/** WGConfig names a file as seen from the working directory, as wireproxy has it; or from where the first file is. */
function readOther(beside: string, path: string): Source {
  try {
    return readSource(path);
  } catch (error) {
    if (isAbsolute(path)) throw error;
    return readSource(join(dirname(beside), path));
  }
}

function credentialsOf(flags: ProxyFlags): Credentials | undefined {
  const { user, "password-file": file } = flags;
  if ((user === undefined) !== (file === undefined)) throw new UsageError("--user and --password-file go together");
  if (user === undefined || file === undefined) return undefined;
  const { bytes } = readSource(file);
  const [password = ""] = new TextDecoder().decode(bytes).split(/\r?\n/);
  bytes.fill(0);
  for (const [flag, value] of Object.entries({ "--user": user, "--password-file": password })) {
    if (Buffer.byteLength(value) > PASSWORD_BYTES_MAX) throw new UsageError(`${flag}: longer than 255 bytes`);
  }
  return { user, password };
}

function planOf(path: string, flags: ProxyFlags): Plan {
  const source = readSource(path);
  try {
    const plan = readPlan(source, process.env, (other) => readOther(path, other));
    const services: Service[] = [...plan.services, ...servicesOf(flags, credentialsOf(flags))];
    return { ...plan, services, resolve: strategyOf(flags) ?? plan.resolve };
  } finally {
    source.bytes.fill(0);
  }
}

function check(plan: Plan, flags: ProxyFlags): void {
  if (plan.services.length === 0 && flags.info === undefined) {
    throw new UsageError("nothing leads into the tunnel", "Add for example: --socks 1080, or -L 5432:db.internal:5432");
  }
  if (plan.services.filter(({ kind }) => kind === "stdio").length > 1)
    throw new UsageError("there is one standard input only");
  const open = plan.services.find(isOpenToAll);
  if (open !== undefined && "bind" in open && !flags["open-to-all"]) {
    throw new CliError(
      `whoever reaches ${describeTarget(open.bind)} could send anywhere through your tunnel`,
      "Give Username and Password (--user, --password-file), listen on 127.0.0.1, or allow it with --open-to-all",
    );
  }
}

/** @returns the exit code */
export async function proxy(args: readonly string[]): Promise<number> {
  const { values: flags, operands } = parseOptions(PROXY_OPTIONS, args);
  const [path, more] = operands;
  if (path === undefined || more !== undefined) {
    throw new UsageError("one configuration file is wanted", "Write: wasmguard proxy FILE.conf --socks 1080");
  }
  const options = runOptionsOf(flags);
  const plan = planOf(path, flags);
  try {
    check(plan, flags);
    if (!flags.silent) for (const remark of plan.remarks) process.stderr.write(`wasmguard: ${remark}\n`);
    if (flags.configtest) {
      process.stderr.write("the configuration is valid\n");
      return 0;
    }
    return await runProxy(basename(path), plan, flags, options);
  } finally {
    wipeSettings(plan.tunnel);
  }
}
