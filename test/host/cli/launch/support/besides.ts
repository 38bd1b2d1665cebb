/** Starts a stand-in for the daemon in the background, where there is no sandbox. Arguments: what the daemon is to do, with which descriptor. */
import { fileURLToPath } from "node:url";
import { describeError } from "../../../../../host/cli/command-errors.ts";
import { spawnBeside } from "../../../../../host/cli/launch/beside.ts";

const args = process.argv.slice(2);
const uapiFd = args[1] === undefined ? undefined : Number(args[1]);
process.argv[1] = fileURLToPath(new URL("besides-daemon.mjs", import.meta.url));
try {
  const warn = (message: string): void => console.log(`warned: ${message}`);
  await spawnBeside({ interfaceName: "utun9", keepsLog: false, uapiFd, warn }, args);
  console.log("started");
} catch (error) {
  console.log(`failed: ${describeError(error)}`);
}
