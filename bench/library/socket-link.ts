/**
 * The runtime's UDP sockets between the ends, as fast as they go and without any WireGuard: datagrams are as long as the messages of a
 * tunnel would be, and that is all they have of it. What this reaches no tunnel on these sockets exceeds.
 */
import { createSocket } from "node:dgram";
import type { Acquaintance, Link } from "./link.ts";
import { type EndOptions, PACKET_BYTES } from "./options.ts";

/** Header and tag of a transport message. */
const MESSAGE_OVERHEAD = 32;
const HOST = "127.0.0.1";
/** Of a socket of node:dgram; see host/event/datagram-socket-node.ts. */
const BUFFER_BYTES = 4 << 20;
/** As in host/event/datagram-socket-node.ts too: what Deno allocates for each datagram, of which it gives twice as much. */
const DENO_ROOM_BYTES = 1024;

export type Receive = (packet: Uint8Array) => void;

/** One kind of socket. */
export interface Datagrams {
  readonly port: number;
  /** @param packet a message long, without its content */
  send(packet: Uint8Array, port: number): void;
  flush(): void;
  close(): void;
}

interface BunSocket {
  readonly port: number;
  sendMany(packets: readonly (Uint8Array | number | string)[]): number;
  close(): void;
}

interface DenoAddress {
  readonly transport: "udp";
  readonly hostname: string;
  readonly port: number;
}

interface DenoSocket {
  readonly addr: DenoAddress;
  send(packet: Uint8Array, to: DenoAddress): Promise<number>;
  receive(into: Uint8Array): Promise<[Uint8Array, DenoAddress]>;
  close(): void;
}

const { Bun, Deno } = globalThis as {
  Bun?: { udpSocket(options: object): Promise<BunSocket> };
  Deno?: { listenDatagram?(options: DenoAddress): DenoSocket };
};

async function nodeDatagrams(receive: Receive): Promise<Datagrams> {
  const socket = createSocket({ type: "udp4", lookup: (host, _options, done) => done(null, host, 4) });
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  socket.setRecvBufferSize(Deno === undefined ? BUFFER_BYTES : DENO_ROOM_BYTES);
  if (Deno === undefined) socket.setSendBufferSize(BUFFER_BYTES);
  socket.on("message", (packet) => {
    const { buffer, length } = packet;
    receive(packet);
    // As the portable driver gives memory back that is all a datagram's own.
    if (buffer.byteLength === length) (buffer as { transfer?(bytes: number): ArrayBuffer }).transfer?.(0);
  });
  return {
    port: socket.address().port,
    send: (packet, port) => socket.send(packet, port, HOST),
    flush() {},
    close: () => socket.close(),
  };
}

async function bunDatagrams(open: NonNullable<typeof Bun>, receive: Receive): Promise<Datagrams> {
  const data = (_socket: unknown, packet: Uint8Array) => receive(packet);
  // The end that closes last hears that the other is gone.
  const socket = await open.udpSocket({ hostname: HOST, port: 0, socket: { data, error() {} } });
  let packets: (Uint8Array | number | string)[] = [];
  return {
    port: socket.port,
    send: (packet, port) => void packets.push(packet, port, HOST),
    flush() {
      if (packets.length > 0) socket.sendMany(packets);
      packets = [];
    },
    close: () => socket.close(),
  };
}

/** @param listen there with --unstable-net */
function denoDatagrams(listen: (options: DenoAddress) => DenoSocket, receive: Receive): Datagrams {
  const socket = listen({ transport: "udp", hostname: HOST, port: 0 });
  const room = new Uint8Array(2048);
  const ended = () => {};
  const next = (): void => {
    socket.receive(room).then(([packet]) => {
      receive(packet);
      next();
    }, ended);
  };
  next();
  return {
    port: socket.addr.port,
    send: (packet, port) => void socket.send(packet, { transport: "udp", hostname: HOST, port }).catch(ended),
    flush() {},
    close: () => socket.close(),
  };
}

export function datagrams({ contestant }: EndOptions, receive: Receive): Datagrams | Promise<Datagrams> {
  if (contestant === "unstable sockets") return denoDatagrams(Deno!.listenDatagram!, receive);
  return Bun === undefined ? nodeDatagrams(receive) : bunDatagrams(Bun, receive);
}

export async function socketLink(options: EndOptions): Promise<Link> {
  let receiver: Receive = () => {};
  let other: Acquaintance;
  const socket = await datagrams(options, (packet) => receiver(packet));
  // One for all: what it says may be the news of a later one.
  const message = new Uint8Array(PACKET_BYTES + MESSAGE_OVERHEAD);
  return {
    own: { publicKey: "", port: socket.port },
    meet(peer, receive) {
      other = peer;
      receiver = receive;
    },
    write(packet) {
      message.set(packet);
      socket.send(
        packet.length === PACKET_BYTES ? message : message.subarray(0, packet.length + MESSAGE_OVERHEAD),
        other.port,
      );
      return true;
    },
    flush: () => socket.flush(),
    close: async () => socket.close(),
  };
}
