/** Starts a stand-in for the daemon in the background, where there is no sandbox. Arguments: what the daemon is to do. */
import { fileURLToPath } from "node:url";
import { describeError } from "../../../../../host/cli/command-errors.ts";
import { spawnBeside } from "../../../../../host/cli/launch/beside.ts";

const [, , what = ""] = process.argv;
process.argv[1] = fileURLToPath(new URL("besides-daemon.mjs", import.meta.url));
try {
  await spawnBeside({ interfaceName: "utun9", keepsLog: false, warn: (message) => console.log(`warned: ${message}`) }, [
    what,
  ]);
  console.log("started");
} catch (error) {
  console.log(`failed: ${describeError(error)}`);
}
