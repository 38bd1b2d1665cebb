/**
 * SaveConfig: the tunnel's present state becomes the configuration file, with the file's own wg-quick keys, as
 * `wg-quick save` writes it. The new file replaces the old one in one step, and only its owner can read it; on Windows those who could read the
 * old one.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { encodeRawText } from "../../config/raw-text.ts";
import { HOOKS } from "../../config/settings.ts";
import { CliError } from "../command-errors.ts";
import { INTERFACE_HEADING, writeConfigurationBody } from "../show/configuration.ts";
import { Output } from "../show/output.ts";
import { fetchDevice, wipeDevice } from "../show/shown-device.ts";
import { fsPath } from "./file.ts";
import { echo } from "./shell.ts";
import type { QuickSystem, Replacement, Tunnel } from "./system.ts";

function writeWhole(descriptor: number, contents: Uint8Array): void {
  try {
    for (let at = 0; at < contents.length; ) at += writeSync(descriptor, contents, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const BY_MODES: Replacement = {
  create: (path) => openSync(fsPath(path), "wx", 0o600),
  replace: (path, by) => renameSync(fsPath(by), fsPath(path)),
};

function replaceFile(path: string, contents: Uint8Array, { create, replace }: Replacement): void {
  const temporary = `${path}.tmp`;
  try {
    rmSync(fsPath(temporary), { force: true });
    writeWhole(create(temporary), contents);
    replace(path, temporary);
  } catch (error) {
    rmSync(fsPath(temporary), { force: true });
    throw error;
  }
}

/** @throws CliError */
function writeFile(path: string, contents: Uint8Array, replacement: Replacement): void {
  const isFile = statSync(fsPath(path), { throwIfNoEntry: false })?.isFile() ?? true;
  if (!isFile)
    throw new CliError(`${path} is not a file that could be saved to`, "Give a file, or set SaveConfig = false");
  try {
    replaceFile(path, contents, replacement);
  } catch (cause) {
    throw new CliError(`cannot write ${path}`, "Check the folder's permissions, or set SaveConfig = false", 1, {
      cause,
    });
  }
}

/** @throws CliError */
export async function saveConfig(quick: QuickSystem, tunnel: Tunnel): Promise<void> {
  const { interfaceName } = tunnel;
  const { path, system } = tunnel.config;
  const output = new Output().text(INTERFACE_HEADING);
  const { addresses, dns, mtu } = await quick.present(tunnel);
  for (const address of addresses) output.text(`Address = ${address}\n`);
  for (const server of dns) output.text("DNS = ").raw(encodeRawText(server)).text("\n");
  if (system.mtu !== undefined && mtu !== undefined) output.text(`MTU = ${mtu}\n`);
  if (system.table !== "auto") output.text(`Table = ${system.table}\n`);
  if (system.saveConfig) output.text("SaveConfig = true\n");
  for (const hook of HOOKS) {
    for (const script of system.hooks[hook]) output.text(`${hook} = `).raw(encodeRawText(script)).text("\n");
  }
  echo(`save ${interfaceName} to ${path}`);
  const device = await fetchDevice(interfaceName);
  writeConfigurationBody(output, device);
  wipeDevice(device);
  const contents = output.take();
  try {
    writeFile(path, contents, quick.replacement ?? BY_MODES);
  } finally {
    contents.fill(0);
  }
}
