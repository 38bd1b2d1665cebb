/** `show` and `showconf`: which tunnels, in which form. Exit codes as `wg`. */
import { isatty } from "node:tty";
import { listTunnels } from "../../uapi/client.ts";
import { describeError, UsageError } from "../command-errors.ts";
import { checkInterfaceName } from "../interface-name.ts";
import { complain, print } from "../print.ts";
import { INTERFACE_HEADING, writeConfigurationBody } from "./configuration.ts";
import { showStatistics } from "./daemon-figures.ts";
import { FIELDS, writeField } from "./fields.ts";
import { type HumanStyle, writeHuman } from "./human.ts";
import { Output } from "./output.ts";
import { fetchDevice, type ShownDevice, wipeDevice } from "./shown-device.ts";

function humanStyle(): HumanStyle {
  const mode = process.env.WG_COLOR_MODE;
  return {
    colours: mode === "always" || (mode !== "never" && isatty(1)),
    showKeys: process.env.WG_HIDE_KEYS === "never",
    now: BigInt(Math.floor(Date.now() / 1000)),
  };
}

function write(output: Output, device: ShownDevice, field: string | undefined, prefix: string): void {
  if (field === undefined) writeHuman(output, device, humanStyle());
  else writeField(output, device, field, prefix);
}

async function showOne(name: string, field: string | undefined): Promise<void> {
  const device = await fetchDevice(checkInterfaceName(name));
  const output = new Output();
  write(output, device, field, "");
  wipeDevice(device);
  output.flush();
}

/** A tunnel that does not answer is named on stderr; the others are shown. */
async function showAll(field: string | undefined): Promise<number> {
  const names = await listTunnels();
  let failures = 0;
  for (const [index, name] of names.entries()) {
    try {
      const device = await fetchDevice(name);
      const output = new Output();
      write(output, device, field, `${name}\t`);
      wipeDevice(device);
      if (field === undefined && index < names.length - 1) output.text("\n");
      output.flush();
    } catch (error) {
      failures++;
      complain(`wasmguard: ${describeError(error)}\n`);
    }
  }
  return failures > 0 && failures === names.length ? 1 : 0;
}

/** `--stats` for one tunnel or all. */
async function showAllStatistics(name: string): Promise<number> {
  for (const tunnel of name === "all" ? await listTunnels() : [checkInterfaceName(name)]) await showStatistics(tunnel);
  return 0;
}

export async function show(args: readonly string[]): Promise<number> {
  const operands = args.filter((arg) => arg !== "--stats");
  const [name = "all", field, extra] = operands;
  const seeHelp = "See: wasmguard show --help";
  if (extra !== undefined || (name === "interfaces" && field !== undefined)) {
    throw new UsageError("too many arguments", seeHelp);
  }
  if (operands.length < args.length) {
    if (field !== undefined) throw new UsageError("--stats takes no field", seeHelp);
    return showAllStatistics(name);
  }
  if (field !== undefined && !FIELDS.includes(field)) {
    throw new UsageError(`${JSON.stringify(field)} is not a field`, `Fields: ${FIELDS.join(", ")}`);
  }
  if (name === "interfaces") {
    const names = await listTunnels();
    if (names.length > 0) print(`${names.join(" ")}\n`);
    return 0;
  }
  if (name === "all") return showAll(field);
  await showOne(name, field);
  return 0;
}

export async function showconf(args: readonly string[]): Promise<number> {
  const [name, extra] = args;
  if (name === undefined || extra !== undefined) {
    throw new UsageError("showconf takes one interface name", "Try: wasmguard showconf wg0");
  }
  const device = await fetchDevice(checkInterfaceName(name));
  const output = new Output().text(INTERFACE_HEADING);
  writeConfigurationBody(output, device);
  wipeDevice(device);
  output.flush();
  return 0;
}
