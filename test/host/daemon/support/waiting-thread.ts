/** A thread that waits in epoll until the eventfd of its workerData wakes it. */
import { parentPort, workerData } from "node:worker_threads";
import { openLibc } from "../../../../host/ffi/libc.ts";
import { Epoll } from "../../../../host/os/linux/epoll.ts";

const libc = await openLibc(workerData.memory);
const epoll = new Epoll(libc, 2048, 2);
epoll.add(workerData.wake, 5);
parentPort!.postMessage(`waits at ${libc.base}`);
const ready = epoll.wait(Infinity);
parentPort!.postMessage(ready === 1 ? `woken with token ${epoll.token(0)}` : `woken ${ready}`);
epoll.close();
