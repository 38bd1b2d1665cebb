// Who uses the proxy, for some seconds; tells one figure or two as JSON. Arguments: what, seconds, port, and for SOCKS5 the target's host and port.
//   requests  each over a connection of its own, so many at a time     { perSecond, answered }
//   latency   a byte there and back on one connection, microseconds    { median, p99 }
//   download  as much as comes                                         { megabits, bytes }
import { connect } from "node:net";

const [what, seconds, port, host, targetPort] = process.argv.slice(2);
const AT_ONCE = 32;
const endMs = () => performance.now() + 1000 * Number(seconds);

/** A connection to the server, through SOCKS5 where a target is given. */
function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      if (host === undefined) return resolve(socket);
      // Greeting and request at once (RFC 1928): the answers are two bytes and ten.
      const request = [5, 1, 0, 1, ...host.split(".").map(Number), targetPort >> 8, targetPort & 255];
      socket.write(Buffer.from([5, 1, 0, ...request.slice(0)]));
      let got = 0;
      const answered = (chunk) => {
        got += chunk.length;
        if (got < 12) return;
        socket.off("data", answered);
        resolve(socket);
      };
      socket.on("data", answered);
    });
  });
}

async function requests() {
  let answered = 0;
  const end = endMs();
  const start = performance.now();
  const worker = async () => {
    while (performance.now() < end) {
      const socket = await open();
      socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      let bytes = 0;
      socket.on("data", (chunk) => {
        bytes += chunk.length;
      });
      await new Promise((resolve) => socket.once("close", resolve));
      if (bytes > 1024) answered += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { answered, perSecond: (answered / (performance.now() - start)) * 1000 };
}

async function latency() {
  const socket = await open();
  const times = [];
  const byte = Buffer.from([7]);
  for (const end = endMs(); performance.now() < end; ) {
    const before = performance.now();
    socket.write(byte);
    await new Promise((resolve) => socket.once("data", resolve));
    times.push(1000 * (performance.now() - before));
  }
  times.sort((left, right) => left - right);
  return { median: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
}

async function download() {
  const socket = await open();
  socket.write("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  let bytes = 0;
  socket.on("data", (chunk) => {
    bytes += chunk.length;
  });
  // The window opens first.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [before, start] = [bytes, performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 1000 * Number(seconds)));
  return { bytes, megabits: ((bytes - before) * 8) / (performance.now() - start) / 1000 };
}

console.log(JSON.stringify(await { requests, latency, download }[what]()));
process.exit();
