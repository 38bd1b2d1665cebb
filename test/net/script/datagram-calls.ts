/**
 * Calls of UDP and ping sockets in scripts. There is one socket of each kind for a local port or an identifier.
 *
 *   udp open PORT [receive=N] | udp open fails CODE PORT | udp connect PORT>PEER | udp close PORT
 *   udp send FROM>TO N [fails CODE] | udp receive PORT N (data is checked) | udp receive PORT none
 *   udp error PORT CODE | udp readable PORT | udp writable PORT
 *   ping open [ttl=N] [timeout=N] | ping send N | ping reply SEQ | ping failed SEQ KIND | ping nothing
 *   mtu = N                    what is known of the path to the peer
 */
import type { IpAddress } from "../../../host/net/address.ts";
import type { EchoFailure, EchoSocket } from "../../../host/net/icmp/echo.ts";
import type { NetStack } from "../../../host/net/stack.ts";
import type { UdpError, UdpSocket } from "../../../host/net/udp/socket.ts";
import { evaluate } from "./parse.ts";
import { pattern } from "./segment.ts";

interface Opened {
  readonly socket: UdpSocket;
  readonly errors: UdpError[];
  readable: boolean;
  writable: boolean;
}

export class DatagramCalls {
  readonly #stack: NetStack;
  readonly #peer: IpAddress;
  readonly #names: ReadonlyMap<string, number>;
  readonly #sockets = new Map<number, Opened>();
  #ping: EchoSocket | undefined;
  readonly #replies: number[] = [];
  readonly #failures: [number, EchoFailure][] = [];

  constructor(stack: NetStack, peer: IpAddress, names: ReadonlyMap<string, number>) {
    this.#stack = stack;
    this.#peer = peer;
    this.#names = names;
  }

  /** @returns false if it is no call of these  @throws if what a script expects is not so */
  run(words: readonly string[]): boolean {
    const named = new Map(
      words.filter((word) => /^[a-z]+=/.test(word)).map((word) => word.split("=") as [string, string]),
    );
    const bare = words.filter((word) => !/^[a-z]+=/.test(word));
    if (words[0] === "udp") this.#udp(bare.slice(1), named);
    else if (words[0] === "ping") this.#pinging(bare.slice(1), named);
    else if (words[0] === "mtu") equal("MTU", this.#stack.ip.pathMtu(this.#peer), this.#number(words[2]!));
    else return false;
    return true;
  }

  #number(text: string): number {
    return evaluate(text, this.#names);
  }

  #udp([name, first, ...rest]: string[], named: ReadonlyMap<string, string>): void {
    if (name === "open") return this.#open(first!, rest, named);
    const [port, peer] = first!.split(">").map(Number);
    const opened = this.#sockets.get(port!);
    if (opened === undefined) throw new Error(`no socket at port ${port}`);
    const { socket } = opened;
    if (name === "connect") equal("connect", socket.connect(this.#peer, peer!), undefined);
    else if (name === "close") socket.close();
    else if (name === "send") {
      const bytes = pattern(1, 1 + this.#number(rest[0]!));
      equal("send", peer === undefined ? socket.send(bytes) : socket.send(bytes, this.#peer, peer), rest[2]);
    } else if (name === "receive") {
      const bytes = socket.receive()?.bytes;
      if (rest[0] === "none") return equal("received", bytes?.length, undefined);
      const wanted = pattern(1, 1 + this.#number(rest[0]!));
      equal("received bytes", bytes?.length, wanted.length);
      if (bytes!.some((byte, i) => byte !== wanted[i])) throw new Error("other bytes were received than were sent");
    } else if (name === "error") equal("error", opened.errors.shift(), rest[0] === "none" ? undefined : rest[0]);
    else if (name === "readable" || name === "writable") {
      if (!opened[name]) throw new Error(`${name} was not told`);
      opened[name] = false;
    } else throw new Error(`no such call: udp ${name}`);
  }

  #open(first: string, rest: readonly string[], named: ReadonlyMap<string, string>): void {
    const fails = first === "fails";
    const port = Number(fails ? rest[1] : first);
    const receive = named.get("receive");
    const socket = this.#stack.udp.open({
      localPort: port,
      ...(receive === undefined ? {} : { receiveBytes: this.#number(receive) }),
    });
    if (fails) return equal("open", socket, rest[0]);
    if (typeof socket === "string") throw new Error(`open: ${socket}`);
    const opened: Opened = { socket, errors: [], readable: false, writable: false };
    socket.handler = {
      readable: () => {
        opened.readable = true;
      },
      writable: () => {
        opened.writable = true;
      },
      failed: (error) => opened.errors.push(error),
    };
    this.#sockets.set(port, opened);
  }

  #pinging([name, first, second]: string[], named: ReadonlyMap<string, string>): void {
    const number = (key: string) => (named.has(key) ? this.#number(named.get(key)!) : undefined);
    if (name === "open") {
      const socket = this.#stack.icmp.echo.open({
        remote: this.#peer,
        hopLimit: number("ttl"),
        timeoutMs: number("timeout"),
        handler: {
          reply: ({ sequence }) => this.#replies.push(sequence),
          failed: (sequence, failure) => this.#failures.push([sequence, failure]),
        },
      });
      if (typeof socket === "string") throw new Error(`open: ${socket}`);
      this.#ping = socket;
    } else if (name === "send") this.#ping!.send(this.#number(first!));
    else if (name === "reply") equal("reply", this.#replies.shift(), Number(first));
    else if (name === "failed") equal("failed", this.#failures.shift()?.join(" "), `${first} ${second}`);
    else if (name === "nothing") equal("news", this.#replies.length + this.#failures.length, 0);
    else throw new Error(`no such call: ping ${name}`);
  }

  /** The identifier of the ping socket, for the words ID of echo messages. */
  get pingIdentifier(): number | undefined {
    return this.#ping?.identifier;
  }
}

function equal(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) throw new Error(`${what}: ${actual}, not ${wanted}`);
}
