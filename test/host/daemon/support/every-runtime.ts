/**
 * A walk through the Libc and the Linux I/O in whatever runtime this is started with; prints what it
 * saw as JSON. Wants a network namespace of its own with the loopback up, for the TUN device.
 */
import { SOCKET } from "../../../../host/ffi/constants.ts";
import { SOCKADDR_UN } from "../../../../host/ffi/layout.ts";
import { openLibc } from "../../../../host/ffi/libc.ts";
import { systemCall } from "../../../../host/ffi/system-calls.ts";
import { drainEventfd, Epoll, openEventfd, signalEventfd } from "../../../../host/os/linux/epoll.ts";
import { RandomSource } from "../../../../host/os/linux/random.ts";
import { openTun } from "../../../../host/os/linux/tun.ts";
import { listenUnix } from "../../../../host/os/linux/unix-socket.ts";
import { DATA, Lab, LOOPBACK4, LOOPBACK6, pattern, SPARE } from "../../os/linux/support/lab.ts";

const seen: Record<string, unknown> = {};
const lab = await Lab.open();
const { libc } = lab;
seen.backend = libc.backend;

// errno must be that of the call before, also when many calls have been compiled by then.
const errors: number[] = [];
for (let i = 0; i < 5000; i++) {
  const closed = libc.read(-1, SPARE, 8);
  const absent = libc.open(libc.text("/nowhere"), 0, 0);
  if (closed !== -9 || absent !== -2) errors.push(closed, absent);
}
seen.wrongErrno = errors.length;
seen.pid = libc.systemCall(systemCall("getpid")!) === process.pid;

const wake = openEventfd(libc);
const epoll = new Epoll(libc, SPARE + 1024, 4);
epoll.add(wake, 3);
seen.emptyEventfd = libc.read(wake, SPARE, 8);
signalEventfd(libc, wake);
seen.woken = [epoll.wait(1000), epoll.token(0)];
drainEventfd(libc, wake);
seen.asleep = epoll.wait(1);

new RandomSource(libc).fill(SPARE, 64);
seen.random = lab.bytes.slice(SPARE, SPARE + 64).some((byte) => byte !== 0);

const [a, b] = [lab.udp(), lab.udp()];
a.open(0);
b.open(0);
const train = (family: 4 | 6, address: number[]) => ({
  bytes: pattern(40 * 1452 + 100, family),
  segment: 1452,
  tos: 2,
  source: { address, interface: 1 },
  to: { family, port: b.port, address },
});
const [descriptors, count] = lab.describe([train(4, LOOPBACK4), train(6, LOOPBACK6)]);
seen.sendIncidents = a.send(descriptors, count);
seen.trains = ([4, 6] as const).map((family, i) => {
  const [message] = lab.receive(b, family);
  const start = DATA + i * message!.bytes.length;
  const same = message!.bytes.every((byte, k) => byte === lab.bytes[start + k]);
  return [message!.segment, message!.tos, message!.local.at(-1), message!.interface, same];
});
a.close();
b.close();

try {
  const tun = openTun(libc, "wgio2");
  tun.bringUp();
  seen.tun = [tun.name, tun.mtu, tun.up, tun.vnetHeader, tun.tcpOffload];
  tun.close();
} catch (error) {
  seen.tun = String(error);
}

// A client that left must not end the process by SIGPIPE.
const path = `/tmp/wasmguard-io-${process.pid}.sock`;
const listener = listenUnix(libc, path);
const client = libc.socket(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM, 0);
libc.scratch.view.setUint16(SOCKADDR_UN.family, SOCKET.AF_UNIX, true);
libc.text(path, SOCKADDR_UN.path);
libc.connect(client, libc.scratch.at(0), SOCKADDR_UN.path + path.length + 1);
const connection = listener.accept()!;
libc.close(client);
seen.writeToNobody = connection.write(SPARE, 10);
connection.close();
listener.close();

// A second Libc over the same memory: the base address is a property of the memory.
seen.sameBase = (await openLibc(libc.memory)).base === libc.base;
console.log(JSON.stringify(seen));
