/**
 * Interface names as the Linux kernel takes them (dev_valid_name, net/core/dev.c), less what would ask the
 * kernel to pick a name ("%d"): the UAPI socket is named before the device exists. Where that is a pipe, less what
 * Windows has in no file's name, either: `..\wg0` would be outside of where only administrators can make pipes.
 */
import { tunnelsHavePipes } from "../platform.ts";
import { UsageError } from "./command-errors.ts";

/** IFNAMSIZ (16) less the terminating zero. */
const INTERFACE_NAME_BYTES_MAX = 15;

/** Why `name` cannot name an interface; undefined when it can. */
export function interfaceNameFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (Buffer.byteLength(name) > INTERFACE_NAME_BYTES_MAX) return `is longer than ${INTERFACE_NAME_BYTES_MAX} bytes`;
  if (name === "." || name === "..") return "is reserved";
  if (name.startsWith("-")) return "starts with '-'";
  // What the runtime makes of bytes that are no text: the interface would have another name than was asked for.
  if (name.includes("\ufffd")) return "is not UTF-8";
  const forbidden = tunnelsHavePipes() ? /[/:%\s\\*?"<>|]/ : /[/:%\s]/;
  const wrong = [...name].find((char) => char <= " " || char === "\x7f" || forbidden.test(char));
  if (wrong !== undefined) return `contains ${JSON.stringify(wrong)}`;
  return undefined;
}

/** @returns `name` itself. @throws UsageError */
export function checkInterfaceName(name: string): string {
  const fault = interfaceNameFault(name);
  if (fault === undefined) return name;
  throw new UsageError(
    `interface name ${JSON.stringify(name)} ${fault}`,
    `Use 1 to ${INTERFACE_NAME_BYTES_MAX} letters, digits and _=+.-, such as wg0`,
  );
}
