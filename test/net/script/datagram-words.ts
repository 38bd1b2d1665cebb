/**
 * What stands behind `<` and `>` for packets that are not TCP's:
 *
 *   udp FROM>TO LENGTH                 a datagram with that many pattern bytes [badsum] [nosum] [ttl=N]
 *   icmp echo ID/SEQ LENGTH            a request; `icmp reply …` an answer. ID may be `ping`, that of the ping socket, and LENGTH
 *                                      `same`: the data of the stack's last packet
 *   icmp KIND [N] [seq=N] [quote=N]    an error about the stack's last packet: too-big (N: the MTU), net, host, protocol, port,
 *                                      prohibited, hop-limit, parameter; seq= puts another sequence number into the quoted packet,
 *                                      quote= cuts it off after so many bytes; badsum breaks the checksum
 */
import { concat, onesSum, pseudoSum, view } from "../../reference/packets.ts";
import type { Host } from "../host.ts";
import { icmpError, icmpPacket } from "../too-big.ts";
import { evaluate } from "./parse.ts";
import { ipHeader, pattern } from "./segment.ts";

export interface DatagramContext {
  readonly host: Host;
  readonly own: Uint8Array;
  readonly peer: Uint8Array;
  readonly names: ReadonlyMap<string, number>;
  lastSent(): Uint8Array | undefined;
  pingIdentifier(): number | undefined;
  /** From a number that counts from our initial sequence number. */
  sequenceOf(relative: number): number;
}

/** Type and code for both families (RFC 792, RFC 4443). */
const ERRORS: Readonly<
  Record<string, { readonly 4: readonly [number, number]; readonly 6: readonly [number, number] }>
> = {
  "too-big": { 4: [3, 4], 6: [2, 0] },
  net: { 4: [3, 0], 6: [1, 0] },
  host: { 4: [3, 1], 6: [1, 3] },
  protocol: { 4: [3, 2], 6: [4, 1] },
  port: { 4: [3, 3], 6: [1, 4] },
  prohibited: { 4: [3, 13], 6: [1, 1] },
  "hop-limit": { 4: [11, 0], 6: [3, 0] },
  reassembly: { 4: [11, 1], 6: [3, 1] },
  parameter: { 4: [12, 0], 6: [4, 0] },
  quench: { 4: [4, 0], 6: [127, 0] },
};

export function isDatagram(words: readonly string[]): boolean {
  return words[0] === "udp" || words[0] === "icmp";
}

export class DatagramWords {
  readonly #context: DatagramContext;

  constructor(context: DatagramContext) {
    this.#context = context;
  }

  #number(text: string): number {
    return evaluate(text, this.#context.names);
  }

  injected(words: readonly string[]): Uint8Array[] {
    const bare = new Set(words.filter((word) => /^[a-z]+$/.test(word)));
    const packet = words[0] === "udp" ? this.#udp(words, bare) : this.#icmp(words);
    if (bare.has("badsum")) {
      const transport = packet[0]! >> 4 === 4 ? 20 : 40;
      packet[transport + (words[0] === "udp" ? 7 : 3)]! ^= 0x55;
    }
    return [packet];
  }

  #udp(words: readonly string[], bare: ReadonlySet<string>): Uint8Array {
    const { peer, own } = this.#context;
    const [from, to] = words[1]!.split(">").map(Number);
    const payload = pattern(1, 1 + this.#number(words[2]!));
    const body = concat(new Uint8Array(8), payload);
    const data = view(body);
    data.setUint16(0, from!);
    data.setUint16(2, to!);
    data.setUint16(4, body.length);
    const packet = concat(ipHeader(peer, own, 17, body.length), body);
    const transport = packet.length - body.length;
    const checksum = 0xffff - onesSum(body, pseudoSum(packet, 17, body.length));
    if (!bare.has("nosum")) view(packet).setUint16(transport + 6, checksum || 0xffff);
    if (transport === 20) view(packet).setUint16(10, 0xffff - onesSum(packet.subarray(0, 20)));
    return packet;
  }

  #icmp(words: readonly string[]): Uint8Array {
    const { own, peer } = this.#context;
    const kind = words[1]!;
    if (kind === "echo" || kind === "reply") {
      const [name, sequence] = words[2]!.split("/");
      const id = name === "ping" ? this.#context.pingIdentifier() : Number(name);
      const data =
        words[3] === "same"
          ? this.#context.lastSent()!.slice(own.length === 4 ? 28 : 48)
          : pattern(1, 1 + this.#number(words[3]!));
      const body = concat(new Uint8Array(8), data);
      body[0] = kind === "echo" ? (own.length === 4 ? 8 : 128) : own.length === 4 ? 0 : 129;
      view(body).setUint16(4, id!);
      view(body).setUint16(6, Number(sequence));
      return icmpPacket(body, peer, own);
    }
    return this.#error(kind, words.slice(2));
  }

  #error(kind: string, words: readonly string[]): Uint8Array {
    const last = this.#context.lastSent();
    if (last === undefined) throw new Error("nothing was sent that could be quoted");
    const quoted = Uint8Array.from(last);
    const ipv4 = quoted[0]! >> 4 === 4;
    const codes = ERRORS[kind];
    if (codes === undefined) throw new Error(`no such ICMP error: ${kind}`);
    let word = 0;
    let quotedBytes: number | undefined;
    for (const text of words) {
      if (text.startsWith("seq=")) {
        const sequence = this.#context.sequenceOf(this.#number(text.slice(4)));
        view(quoted).setUint32((ipv4 ? 20 : 40) + 4, sequence);
      } else if (text.startsWith("quote=")) quotedBytes = this.#number(text.slice(6));
      else if (text !== "badsum") word = this.#number(text);
    }
    const [type, code] = ipv4 ? codes[4] : codes[6];
    return icmpError(quoted, { type, code, word, ...(quotedBytes === undefined ? {} : { quotedBytes }) });
  }

  /** @returns what differs from what a script expects */
  differences(words: readonly string[], packet: Uint8Array): string[] {
    const described = this.describe(packet);
    const wanted = words
      .map((word) => (/^[\d(]/.test(word) && !/[>/]/.test(word) ? `${this.#number(word)}` : word))
      .join(" ");
    return described === wanted || described.startsWith(`${wanted} `) ? [] : [`not ${wanted}`];
  }

  /** In the words of the scripts. */
  describe(packet: Uint8Array): string {
    const ipv4 = packet[0]! >> 4 === 4;
    const transport = ipv4 ? 20 : 40;
    const protocol = ipv4 ? packet[9]! : packet[6]!;
    const data = view(packet);
    const rest = packet.subarray(transport);
    if (protocol === 17) {
      if (onesSum(rest, pseudoSum(packet, 17, rest.length)) !== 0xffff) return "udp with a wrong checksum";
      return `udp ${data.getUint16(transport)}>${data.getUint16(transport + 2)} ${rest.length - 8}`;
    }
    if (protocol !== 1 && protocol !== 58) return `protocol ${protocol}, ${rest.length} bytes`;
    const seed = ipv4 ? 0 : pseudoSum(packet, 58, rest.length);
    if (onesSum(rest, seed) !== 0xffff) return "icmp with a wrong checksum";
    const [type, code] = rest;
    const word = data.getUint32(transport + 4);
    const id = word >>> 16 === this.#context.pingIdentifier() ? "ping" : `${word >>> 16}`;
    if (type === (ipv4 ? 0 : 129)) return `icmp reply ${id}/${word & 0xffff} ${rest.length - 8}`;
    if (type === (ipv4 ? 8 : 128)) return `icmp echo ${id}/${word & 0xffff} ${rest.length - 8}`;
    const name = Object.entries(ERRORS).find(([, { 4: a, 6: b }]) => {
      const [wantedType, wantedCode] = ipv4 ? a : b;
      return wantedType === type && wantedCode === code;
    })?.[0];
    return `icmp ${name ?? `${type}/${code}`}${word === 0 ? "" : ` ${word}`}`;
  }
}
