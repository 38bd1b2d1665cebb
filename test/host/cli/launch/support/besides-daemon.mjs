// A daemon in the background as far as whoever starts it can tell.
import { readSync } from "node:fs";

const [, , what, descriptor] = process.argv;
if (process.env.WASMGUARD_DAEMON !== "background" || process.env.SOMETHING_ELSE !== undefined) process.exit(9);
if (process.cwd() !== "/") process.exit(8);
switch (what) {
  case "starts":
    process.stdout.write("warning: it rains\nrea");
    setTimeout(() => process.stdout.write("dy\n"), 20);
    // It stays until the process that waited has gone, then a moment.
    setTimeout(() => {}, 300);
    break;
  case "inherits": {
    const text = Buffer.alloc(16);
    const length = readSync(Number(descriptor), text);
    process.stdout.write(`warning: ${text.toString("utf8", 0, length).trim()}\nready\n`);
    break;
  }
  case "complains":
    process.stdout.write("warning: it rains\nnot allowed to do so. Ask nicely\n");
    process.exitCode = 1;
    break;
  case "is killed":
    process.kill(process.pid, "SIGKILL");
    break;
  default:
    process.exitCode = 3;
}
