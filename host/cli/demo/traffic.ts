/**
 * Both ends of the demo's traffic, run inside the namespaces as `wasmguard demo --traffic ROLE ADDRESS PORT`:
 * a server that echoes UDP and swallows TCP, a client that measures round trips, and one that sends in bulk.
 * Results are one line of JSON on stdout. Every wait is bounded.
 */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const ECHO_COUNT = 10;
const ECHO_WAIT_MS = 2000;
const BULK_MS = 3000;
const BULK_WAIT_MS = 10_000;
const CHUNK_BYTES = 256 * 1024;

export interface EchoResult {
  sent: number;
  /** Of those that came back, in milliseconds. */
  roundTripsMs: number[];
}

export interface BulkResult {
  bytes: number;
  seconds: number;
}

const udpType = (address: string): "udp4" | "udp6" => (address.includes(":") ? "udp6" : "udp4");

/** Echo and swallow until the process is ended; prints "ready" once both listen. */
async function serve(address: string, port: number): Promise<void> {
  const echo = createSocket(udpType(address));
  echo.on("message", (bytes, from) => echo.send(bytes, from.port, from.address));
  await new Promise<void>((resolve) => echo.bind(port, address, resolve));
  // Half open: the sender ends its side first and waits for the answer.
  const sink = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    const start = performance.now();
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    // The sender learns what has really arrived.
    socket.on("end", () => socket.end(JSON.stringify({ bytes, seconds: (performance.now() - start) / 1000 })));
  });
  await new Promise<void>((resolve) => sink.listen(port, address, resolve));
  process.stdout.write("ready\n");
  await new Promise(() => {});
}

/** Round trip of one datagram; undefined if it does not come back in time. */
function roundTrip(address: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(udpType(address));
    const start = performance.now();
    const finish = (value: number | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(value);
    };
    const timer = setTimeout(() => finish(undefined), ECHO_WAIT_MS);
    socket.on("error", () => finish(undefined));
    socket.on("message", () => finish(performance.now() - start));
    socket.send("echo", port, address);
  });
}

async function echo(address: string, port: number): Promise<EchoResult> {
  const answers: (number | undefined)[] = [];
  for (let i = 0; i < ECHO_COUNT; i++) {
    answers.push(await roundTrip(address, port));
    await delay(20);
  }
  return { sent: ECHO_COUNT, roundTripsMs: answers.filter((answer) => answer !== undefined) };
}

/** Send for BULK_MS, then take the receiver's count. */
function bulk(address: string, port: number): Promise<BulkResult> {
  return new Promise((resolve, reject) => {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const socket = connect({ port, host: address, allowHalfOpen: true });
    const give = setTimeout(() => reject(new Error("the bulk transfer did not end in time")), BULK_WAIT_MS);
    let answer = "";
    socket.on("error", reject);
    socket.on("data", (text) => {
      answer += text.toString();
    });
    socket.on("close", () => {
      clearTimeout(give);
      resolve(JSON.parse(answer));
    });
    socket.on("connect", () => {
      const deadline = performance.now() + BULK_MS;
      const send = (): void => {
        while (performance.now() < deadline) if (!socket.write(chunk)) return;
        socket.off("drain", send);
        socket.end();
      };
      socket.on("drain", send);
      send();
    });
  });
}

/** @returns the exit code */
export async function traffic([role, address = "", port = ""]: readonly string[]): Promise<number> {
  try {
    if (role === "serve") await serve(address, Number(port));
    const measured = role === "echo" ? await echo(address, Number(port)) : await bulk(address, Number(port));
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`wasmguard: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}
