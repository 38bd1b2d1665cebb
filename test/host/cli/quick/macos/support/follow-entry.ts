/** The process that follows a Mac's network, with the programs of PATH: the interface's configuration */
import { followNetwork } from "../../../../../../host/cli/quick/macos/follow.ts";

await followNetwork(process.argv[2]!);
