/** A name server for tests, on a stack of its own: it answers as a function says, over UDP and TCP. */
import { type Answer, decode, encode, type Packet } from "@dnsquery/dns-packet";
import { IpAddress } from "../../../../host/net/address.ts";
import { Resolver, type ResolverOptions } from "../../../../host/net/dns/resolver.ts";
import type { TcpFailure, TcpServer, TcpStream } from "../../../../host/net/tcp/face.ts";
import { FAR, Pair } from "../../../net/pair.ts";

export interface Query {
  readonly name: string;
  readonly type: string;
  readonly over: "udp" | "tcp";
  readonly edns: boolean;
  readonly id: number;
  readonly port: number;
  readonly at: number;
}

/** A packet's fields, raw bytes, or nothing: silence. */
export type Respond = (query: Query) => Partial<Packet> | Uint8Array | undefined;

export function address(name: string, data: string, ttl = 60): Answer {
  return { name, type: data.includes(":") ? "AAAA" : "A", data, ttl, class: "IN" } as Answer;
}

export function alias(name: string, data: string, ttl = 60): Answer {
  return { name, type: "CNAME", data, ttl, class: "IN" } as Answer;
}

export class NameServer {
  readonly queries: Query[] = [];
  respond: Respond;
  readonly #pair: Pair;

  constructor(pair: Pair, respond: Respond) {
    this.#pair = pair;
    this.respond = respond;
    const { stack } = pair.far;
    const socket = stack.udp.open({ localPort: 53 });
    if (typeof socket === "string") throw new Error(socket);
    socket.handler = {
      readable: () => {
        for (let query = socket.receive(); query !== undefined; query = socket.receive()) {
          const answer = this.#answer(query.bytes, "udp", query.fromPort);
          if (answer !== undefined) socket.send(answer, query.from, query.fromPort);
        }
      },
    };
    const server: TcpServer | TcpFailure = stack.tcp.listen({
      port: 53,
      acceptable: () => {
        if (typeof server === "string") return;
        for (let stream = server.accept(); stream !== undefined; stream = server.accept()) this.#serve(stream);
      },
    });
    if (typeof server === "string") throw new Error(server);
  }

  #serve(stream: TcpStream): void {
    let received: number[] = [];
    stream.handler = {
      readable: () => {
        for (let bytes = stream.read(); bytes !== undefined; bytes = stream.read()) received.push(...bytes);
        const length = 2 + ((received[0]! << 8) | received[1]!);
        if (received.length < length) return;
        const answer = this.#answer(Uint8Array.from(received.slice(2, length)), "tcp", stream.remotePort);
        received = [];
        if (answer === undefined) return;
        // In small pieces, as a network may bring it.
        stream.write(Uint8Array.of(answer.length >> 8), "given");
        stream.write(Uint8Array.of(answer.length & 255, ...answer), "given");
      },
    };
  }

  #answer(bytes: Uint8Array, over: "udp" | "tcp", port: number): Uint8Array | undefined {
    const packet = decode(bytes);
    const { name, type } = packet.questions![0]!;
    const edns = (packet.additionals ?? []).some((record) => record.type === "OPT");
    const query: Query = { name, type, over, edns, id: packet.id!, port, at: this.#pair.clock.now };
    this.queries.push(query);
    const response = this.respond(query);
    if (response === undefined || response instanceof Uint8Array) return response;
    return encode({ type: "response", id: packet.id!, questions: packet.questions!, ...response });
  }
}

export function resolving(respond: Respond, options: Partial<ResolverOptions> = {}) {
  const pair = new Pair({ there: { delayMs: 10 } });
  const server = new NameServer(pair, respond);
  const resolver = Resolver.on(pair.near.stack, { servers: [IpAddress.parse(FAR[4])!], ...options });
  const lookup = (name: string, kind: "A" | "AAAA" = "A", limitMs = 60_000): string => {
    let result: string | undefined;
    resolver.resolve(name, kind, (found) => {
      result = typeof found === "string" ? found : found.join(" ");
    });
    pair.clock.runWhile(() => result === undefined, pair.clock.now + limitMs);
    return result ?? "nothing";
  };
  return { pair, server, resolver, lookup };
}
