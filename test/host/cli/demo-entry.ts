/** The namespace demo around any program with wireguard-go's command line: demo-entry.ts --around PROGRAM [OPTIONS]. */
import { runNamespaceDemo } from "../../../host/cli/demo/namespaces.ts";
import { main } from "../../../host/cli/main.ts";

const args = process.argv.slice(2);
if (args[0] !== "--around") process.exitCode = await main(args);
else {
  const interruption = new AbortController();
  process.on("SIGINT", () => interruption.abort());
  try {
    await runNamespaceDemo(args.slice(1), interruption.signal);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
