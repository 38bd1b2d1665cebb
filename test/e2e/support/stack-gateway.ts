/**
 * A process with a tunnel and the network stack inside of it, and no interface: it carries TCP connections between the sockets of
 * its namespace and the stack, in both directions, and datagrams out, so that the usual programs talk to a kernel through it. Started by stack-bed.ts with
 * its configuration as JSON; further commands come as lines of JSON, each answered by one.
 */
import { createSocket } from "node:dgram";
import { createServer, connect as kernelConnect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { Device, decodeKey } from "../../../host/index.ts";
import { StackTun } from "../../../host/library/stack-tun.ts";
import { IpAddress } from "../../../host/net/address.ts";
import { Resolver } from "../../../host/net/dns/resolver.ts";
import type { TcpStream } from "../../../host/net/tcp/face.ts";
import { TIME_WAIT_BYTES } from "../../../host/net/tcp/time-wait.ts";
import type { UdpSocket } from "../../../host/net/udp/socket.ts";

export interface GatewayConfig {
  readonly privateKey: string;
  readonly listenPort: number;
  readonly addresses: readonly string[];
  readonly peer: { readonly publicKey: string; readonly endpoint: string; readonly allowedIps: readonly string[] };
  readonly nameServers: readonly string[];
  /** Ports of 127.0.0.1 that lead to `to` through the tunnel, for TCP and UDP. */
  readonly out: readonly { readonly port: number; readonly to: string; readonly toPort: number }[];
  /** Ports of the stack that lead to 127.0.0.1. */
  readonly in: readonly { readonly port: number; readonly toPort: number }[];
}

export type GatewayCommand =
  | { readonly command: "resolve"; readonly name: string; readonly kind: "A" | "AAAA" }
  | { readonly command: "ping"; readonly address: string; readonly bytes: number }
  /** That many echo connections at once. */
  | { readonly command: "many"; readonly address: string; readonly port: number; readonly count: number }
  /** From now on the stack echoes at this port. */
  | { readonly command: "echo"; readonly port: number }
  | { readonly command: "idle" };

const config = JSON.parse(process.argv[2]!) as GatewayConfig;
const address = (text: string) => IpAddress.parse(text)!;

const tun = new StackTun({ addresses: config.addresses.map(address) });
const { stack } = tun;
const device = await Device.create({
  privateKey: decodeKey(Buffer.from(config.privateKey)),
  listenPort: config.listenPort,
  peers: [
    {
      ...config.peer,
      publicKey: decodeKey(Buffer.from(config.peer.publicKey)),
      allowedIps: [...config.peer.allowedIps],
    },
  ],
  tun,
});
await device.start();
const resolver = Resolver.on(stack, { servers: config.nameServers.map(address) });

/** Carry bytes both ways; each side may end before the other. */
function join(kernel: Socket, stream: TcpStream): void {
  let waiting: Uint8Array | undefined;
  let kernelEnded = false;
  const pass = () => {
    if (waiting !== undefined) {
      const taken = stream.write(waiting, "lent");
      waiting = taken === waiting.length ? undefined : waiting.subarray(taken);
      if (waiting === undefined) kernel.resume();
      else kernel.pause();
    }
    if (waiting === undefined && kernelEnded) stream.shutdown();
  };
  const fetch = () => {
    while (!kernel.writableNeedDrain) {
      const bytes = stream.read();
      if (bytes === undefined) break;
      kernel.write(bytes);
    }
    if (stream.ended) kernel.end();
  };
  kernel.on("data", (bytes) => {
    waiting = bytes as Buffer;
    pass();
  });
  kernel.on("end", () => {
    kernelEnded = true;
    pass();
  });
  kernel.on("drain", fetch);
  kernel.on("error", () => stream.abort());
  stream.handler = {
    connected: pass,
    writable: pass,
    readable: fetch,
    closed: (failure) => failure !== undefined && kernel.destroy(),
  };
  fetch();
}

for (const { port, to, toPort } of config.out) {
  createServer({ allowHalfOpen: true }, (kernel) => {
    const stream = stack.tcp.connect({ remote: address(to), remotePort: toPort });
    if (typeof stream === "string") kernel.destroy();
    else join(kernel, stream);
  }).listen(port, "127.0.0.1");
  relay(port, address(to), toPort);
}

/** Datagrams go on through the tunnel, a socket for each of those who send them, and the answers come back. */
function relay(port: number, to: IpAddress, toPort: number): void {
  const kernel = createSocket("udp4");
  const inside = new Map<number, UdpSocket>();
  kernel.on("message", (bytes, from) => {
    const socket = inside.get(from.port) ?? stack.udp.open();
    if (typeof socket === "string") return;
    inside.set(from.port, socket);
    socket.handler = {
      readable: () => {
        for (let answer = socket.receive(); answer !== undefined; answer = socket.receive()) {
          kernel.send(answer.bytes, from.port, from.address);
        }
      },
    };
    socket.send(bytes, to, toPort);
  });
  kernel.bind(port, "127.0.0.1");
}

for (const { port, toPort } of config.in) {
  const server = stack.tcp.listen({
    port,
    acceptable: () => {
      if (typeof server === "string") return;
      for (let stream = server.accept(); stream !== undefined; stream = server.accept()) {
        join(kernelConnect({ port: toPort, host: "127.0.0.1", allowHalfOpen: true }), stream);
      }
    },
  });
  if (typeof server === "string") throw new Error(server);
}

/** Each connection sends a text of its own and wants it back. @returns how many got it */
function many(to: IpAddress, port: number, count: number): Promise<number> {
  let open = count;
  let right = 0;
  return new Promise((resolve) => {
    for (let i = 0; i < count; i++) {
      const text = Buffer.from(`connection ${i} `.repeat(100));
      const received: Uint8Array[] = [];
      const stream = stack.tcp.connect({
        remote: to,
        remotePort: port,
        handler: {
          connected() {
            (stream as TcpStream).write(text, "lent");
            (stream as TcpStream).shutdown();
          },
          readable() {
            for (let bytes = (stream as TcpStream).read(); bytes !== undefined; bytes = (stream as TcpStream).read()) {
              received.push(bytes);
            }
          },
          closed() {
            if (Buffer.concat(received).equals(text)) right += 1;
            open -= 1;
            if (open === 0) resolve(right);
          },
        },
      });
      if (typeof stream === "string") throw new Error(stream);
    }
  });
}

function echo(port: number): string {
  const server = stack.tcp.listen({
    port,
    acceptable: () => {
      if (typeof server === "string") return;
      for (let stream = server.accept(); stream !== undefined; stream = server.accept()) echoOn(stream);
    },
  });
  return typeof server === "string" ? server : "listens";
}

/** For little: what was read fits into what may be written. */
function echoOn(stream: TcpStream): void {
  const readable = () => {
    for (let bytes = stream.read(); bytes !== undefined; bytes = stream.read()) stream.write(bytes, "given");
    if (stream.ended) stream.shutdown();
  };
  stream.handler = { readable };
  readable();
}

function ping(to: IpAddress, bytes: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = stack.icmp.echo.open({
      remote: to,
      handler: {
        reply: ({ dataBytes }) => resolve(`${dataBytes} bytes`),
        failed: (_, failure) => resolve(failure),
      },
    });
    if (typeof socket === "string") return resolve(socket);
    socket.send(bytes);
  });
}

async function obey(command: GatewayCommand): Promise<unknown> {
  switch (command.command) {
    case "resolve":
      return new Promise((resolve) => {
        resolver.resolve(command.name, command.kind, (result) =>
          resolve(typeof result === "string" ? result : result.map(String)),
        );
      });
    case "ping":
      return ping(address(command.address), command.bytes);
    case "many":
      return many(address(command.address), command.port, command.count);
    case "echo":
      return echo(command.port);
    case "idle":
      // Those that ended are remembered for a minute.
      return {
        connections: [...stack.tcp.connections()].length,
        memory: stack.budget.taken - stack.tcp.table.size * TIME_WAIT_BYTES,
      };
  }
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  console.log(JSON.stringify(await obey(JSON.parse(line))));
});
console.log(JSON.stringify("ready"));
