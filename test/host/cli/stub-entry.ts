/** The command with a stand-in for the daemon: what WASMGUARD_STUB says happens in the background process. */
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { DAEMON_MARKER } from "../../../host/cli/background.ts";
import { main } from "../../../host/cli/main.ts";

const HOLD_MS = 60_000;

/** Until the test ends this process, or a minute is over. */
function live(): void {
  writeFileSync(process.env.WASMGUARD_STUB_FILE!, String(process.pid));
  setTimeout(() => {}, HOLD_MS);
}

function readDescriptor(name: string): string {
  const number = process.env[name];
  return number === undefined ? "none" : readFileSync(readlinkSync(`/proc/self/fd/${number}`), "utf8");
}

function stub(kind: string | undefined): void {
  switch (kind) {
    case "ready":
      process.stdout.on("error", () => {});
      process.stdout.write("ready\n");
      process.stderr.write("logged\n");
      // The parent is gone by then; writing must not end this process.
      setTimeout(() => process.stdout.write("later\n"), 300);
      return live();
    case "descriptors":
      process.stdout.write(`${readDescriptor("WG_TUN_FD")} ${readDescriptor("WG_UAPI_FD")} ${process.argv.at(-1)}\n`);
      process.exitCode = 1;
      return;
    case "refuse":
      process.stdout.write("cannot open TUN device wgclis0. Run it as root\n");
      process.exitCode = 1;
      return;
    case "crash":
      process.kill(process.pid, "SIGKILL");
      return;
    default:
      process.exitCode = 7;
  }
}

if (process.env[DAEMON_MARKER] === "background") stub(process.env.WASMGUARD_STUB);
else process.exitCode = await main(process.argv.slice(2));
