/**
 * Confines itself by the daemon's own steps, the sandbox that its runtime starts in among them, then tries what an intruder
 * would; prints what came of each as JSON. With "exec" as argument it ends by trying to start a program through the C
 * library, which must end it by SIGSYS.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { DAEMON_MARKER } from "../../../host/cli/background.ts";
import { becomeDaemon } from "../../../host/cli/launch/daemon.ts";
import { protectKeyMemory } from "../../../host/confine/key-memory.ts";
import { confine } from "../../../host/confine/linux.ts";
import { findUser } from "../../../host/confine/user.ts";
import { LANDLOCK, SOCKET } from "../../../host/ffi/constants.ts";
import { openLibc } from "../../../host/ffi/libc.ts";
import { systemCall } from "../../../host/ffi/system-calls.ts";

const confinement = { socketRights: "keep", mayFail: [] } as const;
if (process.env[DAEMON_MARKER] === undefined) {
  const request = { interfaceName: "probe", keepsLog: true, confinement, warn: console.error };
  await becomeDaemon(request, process.argv.slice(2));
}

const PAGES = 16;
const libc = await openLibc(new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true }));
const keyMemory = protectKeyMemory(
  libc,
  { secretsBegin: 65_536, peerSecrets: 65_536, uapiAreas: PAGES * 65_536, secretsEnd: PAGES * 65_536 },
  () => 0,
);
const complaints: string[] = [];
const status = confine(libc, findUser(undefined), confinement, keyMemory, (message) => {
  complaints.push(message);
});

function outcome(attempt: () => unknown): string {
  try {
    attempt();
    return "allowed";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const attempts: Record<string, string | number> = {
  readShadow: outcome(() => readFileSync("/etc/shadow")),
  readPublicFile: outcome(() => readFileSync("/etc/hostname")),
  writeFile: outcome(() => writeFileSync("/tmp/wasmguard-confined", "")),
  unlink: libc.unlink(libc.text("/tmp/wasmguard-confined")),
  mkdir: libc.mkdir(libc.text("/tmp/wasmguard-confined"), 0o700),
  tcpSocket: libc.socket(SOCKET.AF_INET, SOCKET.SOCK_STREAM, 0),
  unixSocket: libc.socket(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM, 0),
  netlinkSocket: libc.socket(SOCKET.AF_NETLINK, SOCKET.SOCK_RAW, 0),
  udpSocket: Math.min(0, libc.socket(SOCKET.AF_INET, SOCKET.SOCK_DGRAM, 0)),
  signalOther: libc.kill(1, 0),
  becomeRoot: libc.setresuid(0, 0, 0),
  fork: libc.systemCall(systemCall("clone")!, 17),
  moreRights: libc.systemCall(
    systemCall("landlock_create_ruleset")!,
    ...[0, 0, LANDLOCK.LANDLOCK_CREATE_RULESET_VERSION],
  ),
};
attempts.tcpConnect = await new Promise<string>((resolve) => {
  connect({ host: "127.0.0.1", port: 9 }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
});
process.stdout.write(`${JSON.stringify({ status, complaints, attempts })}\n`);
if (process.argv[2] === "exec") libc.systemCall(systemCall("execve")!, libc.pointer(libc.text("/bin/true")), 0, 0);
