/** Starts again without "x", and tells both times which process it is. */
import { restartWithout } from "../../../../../host/cli/launch/restart.ts";
import { RESTARTED } from "../../../../../host/cli/launch/taint.ts";

console.log(process.pid);
if (process.env[RESTARTED] === undefined) process.exitCode = await restartWithout(["x"], []);
