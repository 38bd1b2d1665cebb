/** The command, run from its sources. */
import { main } from "../../../host/cli/main.ts";

process.exitCode = await main(process.argv.slice(2));
