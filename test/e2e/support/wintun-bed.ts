/**
 * A daemon in Wine, and the two ends of its tunnel: "near" is the network interface that it made, by the stand-in's UDP ports; "far" a device of
 * the library here, 10.0.0.2, with an in-memory Tun.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { Device, DgramBind, generatePrivateKey, publicKeyOf, type TunEnd, tunPair } from "../../../host/index.ts";
import { noise } from "../../support/bytes.ts";
import { type WineProgram, type WineSession, windowsPath } from "./wine-session.ts";

/** Types of ICMP (RFC 792). */
export const ECHO = { request: 8, reply: 0 } as const;
const ICMP = 1;
/** For experiments (RFC 3692). */
const EXPERIMENT = 253;
const ARRIVES_MS = 20_000;

export type End = "near" | "far";
const LAST_BYTE = { near: 1, far: 2 } as const;

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipv4(from: End, protocol: number, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(20 + payload.length);
  bytes.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol]);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.set([10, 0, 0, LAST_BYTE[from], 10, 0, 0, LAST_BYTE[from === "near" ? "far" : "near"]], 12);
  bytes.writeUInt16BE(checksum(bytes.subarray(0, 20)), 10);
  bytes.set(payload, 20);
  return new Uint8Array(bytes);
}

/** An ICMP echo from one end to the other. */
export function echo(type: number, from: End, sequence: number): Uint8Array {
  const message = Buffer.alloc(64);
  message[0] = type;
  message.writeUInt16BE(sequence, 6);
  message.set(noise(56, sequence), 8);
  message.writeUInt16BE(checksum(message), 2);
  return ipv4(from, ICMP, message);
}

export function isEcho(type: number, from: End, sequence: number): (packet: Uint8Array) => boolean {
  return (packet) => Buffer.compare(packet, echo(type, from, sequence)) === 0;
}

/** Packets in the order they came, for who waits for the next one. */
class Inbox {
  readonly #waiting: Uint8Array[] = [];
  #reader: ((packet: Uint8Array) => void) | undefined;

  put(packet: Uint8Array): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#waiting.push(packet);
    else reader(packet);
  }

  next(): Promise<Uint8Array> {
    const packet = this.#waiting.shift();
    if (packet !== undefined) return Promise.resolve(packet);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no packet within ${ARRIVES_MS} ms`)), ARRIVES_MS);
      this.#reader = (arrived) => {
        clearTimeout(late);
        resolve(arrived);
      };
    });
  }
}

async function freeSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

/** A port that nobody has at the moment. */
async function freePort(): Promise<number> {
  const socket = await freeSocket();
  const { port } = socket.address();
  socket.close();
  return port;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Of a program whose control pipe is a port. */
const CONFIGURED_AT = /^configured at port (\d+)/m;

async function askPort(port: number, text: string): Promise<string> {
  let answer = "";
  const client = connect(port, "127.0.0.1").setEncoding("utf8");
  client.write(text);
  for await (const piece of client) {
    answer += piece;
    if (answer.endsWith("\n\n")) break;
  }
  return answer;
}

let beds = 0;

interface Ends {
  readonly name: string;
  /** For whoever starts the daemon. */
  readonly env: Readonly<Record<string, string>>;
  readonly far: Device;
  readonly farEnd: TunEnd;
  readonly near: Socket;
  readonly port: number;
}

export class WintunBed {
  readonly name: string;
  readonly daemon: WineProgram;
  readonly far: Device;
  readonly #session: WineSession;
  readonly #farEnd: TunEnd;
  readonly #near: Socket;
  readonly #nearPort: number;
  readonly #inboxes = { near: new Inbox(), far: new Inbox() };

  private constructor(session: WineSession, { name, far, farEnd, near, port }: Ends, daemon: WineProgram) {
    this.#session = session;
    this.name = name;
    this.daemon = daemon;
    this.far = far;
    this.#farEnd = farEnd;
    this.#near = near;
    this.#nearPort = port;
    near.on("message", (packet) => this.#inboxes.near.put(packet));
    void this.#readFar();
  }

  async #readFar(): Promise<void> {
    for await (const packet of this.#farEnd) this.#inboxes.far.put(packet);
  }

  /** Ports that nobody else uses, for a daemon of which no packet is looked at. */
  static async standIn(): Promise<Record<string, string>> {
    return { WASMGUARD_WINTUN: `${await freePort()}:${await freePort()}` };
  }

  /** Both ends know each other; only the daemon knows where the other is. @param dll as Windows sees it */
  static async open(
    session: WineSession,
    dll: string,
    options: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<WintunBed> {
    const words = ["--no-confine", "--allow-unsigned-wintun", "--wintun", dll, ...options];
    const start = ({ name, env }: Ends) => session.wasmguard([...words, name], { ...env, ...variables });
    return WintunBed.#open(session, start, / ready; FFI of /);
  }

  /** Another implementation in the daemon's place (wintun/official), with the DLL beside it. @param program as Windows sees it */
  static openOther(session: WineSession, program: string): Promise<WintunBed> {
    return WintunBed.#open(session, ({ name, env }) => session.start(program, [name], env), CONFIGURED_AT);
  }

  static async #open(session: WineSession, start: (ends: Ends) => WineProgram, ready: RegExp): Promise<WintunBed> {
    const { ends, nearPrivate } = await WintunBed.#prepare();
    const { far } = ends;
    const bed = new WintunBed(session, ends, start(ends));
    try {
      await bed.daemon.writes(ready);
      await bed.set(
        `private_key=${hex(nearPrivate)}\nlisten_port=0\npublic_key=${hex(far.publicKey)}\n` +
          `endpoint=127.0.0.1:${far.listenPort}\nallowed_ip=10.0.0.2/32\n`,
      );
      return bed;
    } catch (error) {
      await bed.close();
      throw error;
    }
  }

  /**
   * The same, by `up` and a configuration: the bed's `daemon` is that command, which may have failed.
   * @param path of the configuration, for a name @param settings lines of [Interface]; lines of [Peer]
   */
  static async up(
    session: WineSession,
    path: (name: string) => string,
    settings: readonly [ofInterface: string, ofPeer: string],
    options: readonly string[],
    variables: Readonly<Record<string, string>>,
  ): Promise<WintunBed> {
    const { ends, nearPrivate } = await WintunBed.#prepare();
    const { name, far, env } = ends;
    const base64 = (key: Uint8Array): string => Buffer.from(key).toString("base64");
    writeFileSync(
      path(name),
      `[Interface]\nPrivateKey = ${base64(nearPrivate)}\n${settings[0]}\n[Peer]\nPublicKey = ${base64(far.publicKey)}\n` +
        `Endpoint = 127.0.0.1:${far.listenPort}\n${settings[1]}\n`,
    );
    const up = session.wasmguard(["up", ...options, windowsPath(path(name))], { ...env, ...variables, LOG_LEVEL: "" });
    const bed = new WintunBed(session, ends, up);
    await up.ends();
    return bed;
  }

  static async #prepare(): Promise<{ ends: Ends; nearPrivate: Uint8Array }> {
    const near = await freeSocket();
    near.setRecvBufferSize(4 << 20);
    const port = await freePort();
    const name = `wgwin${beds++}`;
    const env = { WASMGUARD_WINTUN: `${port}:${near.address().port}`, LOG_LEVEL: "verbose" };
    const [tun, farEnd] = tunPair();
    const [nearPrivate, farPrivate] = [generatePrivateKey(), generatePrivateKey()];
    const limits = { maxPeers: 4, maxAllowedIps: 16 };
    const peers = [{ publicKey: publicKeyOf(nearPrivate), allowedIps: ["10.0.0.1/32"] }];
    const far = await Device.create({ privateKey: farPrivate, tun, bind: new DgramBind(), limits, peers });
    await far.start();
    return { ends: { name, env, far, farEnd, near, port }, nearPrivate };
  }

  get farKey(): string {
    return hex(this.far.publicKey);
  }

  /** What no end answers: bytes of its own at each index. */
  packet(direction: "near to far" | "far to near", length: number, index: number): Uint8Array {
    return ipv4(direction === "near to far" ? "near" : "far", EXPERIMENT, noise(length - 20, index));
  }

  sendNear(packet: Uint8Array): void {
    this.#near.send(packet, this.#nearPort, "127.0.0.1");
  }

  sendFar(packet: Uint8Array): void {
    if (!this.#farEnd.write(packet)) throw new Error("the Tun is full");
  }

  nextNear(): Promise<Uint8Array> {
    return this.#inboxes.near.next();
  }

  nextFar(): Promise<Uint8Array> {
    return this.#inboxes.far.next();
  }

  async pingFromNear(sequence: number): Promise<void> {
    this.sendNear(echo(ECHO.request, "near", sequence));
    if (!isEcho(ECHO.request, "near", sequence)(await this.nextFar())) throw new Error("not the request that was sent");
    this.sendFar(echo(ECHO.reply, "far", sequence));
    if (!isEcho(ECHO.reply, "far", sequence)(await this.nextNear())) throw new Error("not the reply that was sent");
  }

  /** The near end is known from a message of its own, at first. */
  async pingFromFar(sequence: number): Promise<void> {
    if (sequence === 1) await this.pingFromNear(0);
    this.sendFar(echo(ECHO.request, "far", sequence));
    if (!isEcho(ECHO.request, "far", sequence)(await this.nextNear())) throw new Error("not the request that was sent");
    this.sendNear(echo(ECHO.reply, "near", sequence));
    if (!isEcho(ECHO.reply, "near", sequence)(await this.nextFar())) throw new Error("not the reply that was sent");
  }

  #ask(text: string): Promise<string> {
    const port = CONFIGURED_AT.exec(this.daemon.output)?.[1];
    return port === undefined ? this.#session.ask(this.name, text) : askPort(Number(port), text);
  }

  async set(lines: string): Promise<void> {
    const answer = await this.#ask(`set=1\n${lines}\n`);
    if (answer !== "errno=0\n\n") throw new Error(`set: ${JSON.stringify(answer)}`);
  }

  get(): Promise<string> {
    return this.#ask("get=1\n\n");
  }

  async close(): Promise<void> {
    this.#near.close();
    await this.far.close();
    await this.#session.kill(this.daemon);
  }
}
