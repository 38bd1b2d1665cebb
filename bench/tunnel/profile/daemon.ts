/**
 * A program with wireguard-go's command line, for profiling only: wasmguard's own loop, with the calls it makes to the kernel
 * and to the core put on a stage clock from outside. SIGUSR2 writes what came together since the last one to
 * NAME.stages.json beside the control socket.
 */
import { spawn } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { VNET_BYTES } from "../../../assembly/abi.ts";
import { Core } from "../../../host/core/core.ts";
import { loadCore } from "../../../host/core/load.ts";
import { type Libc, openLibc } from "../../../host/ffi/libc.ts";
import { Loop } from "../../../host/loop/loop.ts";
import { DeletionWatch } from "../../../host/os/linux/inotify.ts";
import { openTun } from "../../../host/os/linux/tun.ts";
import { LinuxTunnel } from "../../../host/os/linux/tunnel.ts";
import { listenUnix } from "../../../host/os/linux/unix-socket.ts";
import { socketPath } from "../../../host/uapi/socket-path.ts";
import { AeadProbe } from "./aead-probe.ts";
import { StageClock, type StageTimes } from "./stage-clock.ts";

const BACKGROUND = "WASMGUARD_PROFILE_BACKGROUND";

export interface DaemonStages extends StageTimes {
  readonly readingNs: number;
  /** Packets that came from and went to the TUN device. */
  readonly tunBytesRead: number;
  readonly tunBytesWritten: number;
  /** Packets that the AEAD sealed and opened just to be timed. */
  readonly probedPackets: number;
}

export function stagesPath(name: string): string {
  return socketPath(name).replace(/\.sock$/, ".stages.json");
}

/** Put the packet path's system calls on the clock. @returns how much passed the TUN device since the last call */
function watchCalls(
  libc: Libc,
  tunFd: number,
  clock: StageClock,
  probe: AeadProbe,
): () => [read: number, written: number] {
  let [bytesRead, bytesWritten] = [0, 0];
  const [plainRead, plainWritev] = [libc.read.bind(libc), libc.writev.bind(libc)];
  const [read, writev] = [clock.timed("read", plainRead), clock.timed("write", plainWritev)];
  libc.read = (fd, address, length) => {
    if (fd !== tunFd) return plainRead(fd, address, length);
    const result = read(fd, address, length);
    if (result > 0) bytesRead += result - VNET_BYTES;
    probe.passed(result);
    return result;
  };
  libc.writev = (fd, gather, count) => {
    if (fd !== tunFd) return plainWritev(fd, gather, count);
    const result = writev(fd, gather, count);
    if (result > 0) bytesWritten += result - VNET_BYTES;
    probe.passed(result);
    return result;
  };
  libc.sendmmsg = clock.timed("send", libc.sendmmsg.bind(libc));
  libc.recvmsg = clock.timed("receive", libc.recvmsg.bind(libc));
  libc.recvmmsg = clock.timed("receive", libc.recvmmsg.bind(libc));
  libc.poll = clock.timed("wait", libc.poll.bind(libc));
  libc.ppoll = clock.timed("wait", libc.ppoll.bind(libc));
  return () => {
    const taken: [number, number] = [bytesRead, bytesWritten];
    [bytesRead, bytesWritten] = [0, 0];
    return taken;
  };
}

async function serve(name: string): Promise<void> {
  const plain = await loadCore({}, "shared");
  const libc = await openLibc(plain.memory);
  const clock = new StageClock();
  const { sendPacket, sendMore, receive } = plain.exports;
  const exports = {
    ...plain.exports,
    sendPacket: clock.timed("splitAndSeal", sendPacket),
    sendMore: clock.timed("splitAndSeal", sendMore),
    receive: clock.timed("openAndMerge", receive),
  };
  const core = new Core(plain.memory, exports as typeof plain.exports, plain.maxPeers, plain.maxRoutes);
  const tun = openTun(libc, name);
  const probe = new AeadProbe(clock);
  const takeBytes = watchCalls(libc, tun.fd, clock, probe);
  const path = socketPath(name);
  const listener = listenUnix(libc, path);
  const watch = new DeletionWatch(libc, path);
  const log = (_level: string, message: string): void => console.error(message);
  const loop = new Loop({
    core,
    open: (events) => new LinuxTunnel({ core, libc, tun, listener, watch, udp: {}, events, log }),
    log,
  });
  process.on("SIGUSR2", () => {
    const [tunBytesRead, tunBytesWritten] = takeBytes();
    const probedPackets = probe.take();
    const bytes = { tunBytesRead, tunBytesWritten, probedPackets };
    const stages: DaemonStages = { ...clock.take(), readingNs: clock.readingNs, ...bytes };
    writeFileSync(`${stagesPath(name)}.new`, JSON.stringify(stages));
    renameSync(`${stagesPath(name)}.new`, stagesPath(name));
  });
  process.stdout.write("ready\n");
  await loop.run(new AbortController().signal);
  process.exit(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.env[BACKGROUND]) {
    await serve(process.argv[2]!);
  } else {
    const child = spawn(process.execPath, process.argv.slice(1), {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, [BACKGROUND]: "1" },
    });
    child.stdout.once("data", () => process.exit(0));
    child.once("exit", () => process.exit(1));
  }
}
