/**
 * ICMP messages that wait for the next turn: answers to echo requests and errors. What does not fit is dropped and counted, for
 * whoever asks faster than the tunnel carries away must not fill memory.
 */
import type { IpAddress } from "../address.ts";
import { complement, sum } from "../checksum.ts";
import { ICMP, ICMPV6 } from "../ip/protocols.ts";
import type { Context, Flow } from "../transport.ts";

const MESSAGES_MAX = 256;
const BYTES_MAX = 256 << 10;

interface Waiting {
  readonly flow: Flow;
  readonly message: Uint8Array;
}

export class Outbox {
  readonly #context: Context;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * @param message with a checksum of zero; the outbox's from now on
   * @returns false if there is no room
   */
  add(flow: Flow, message: Uint8Array): boolean {
    if (this.#waiting.length >= MESSAGES_MAX || this.#bytes + message.length > BYTES_MAX) {
      this.#context.counters.add("icmpRate");
      return false;
    }
    writeChecksum(message, flow.local, flow.remote);
    this.#waiting.push({ flow, message });
    this.#bytes += message.length;
    this.#context.wake();
    return true;
  }

  /** Send what waits, until the sink is full. */
  send(): void {
    const { ip } = this.#context;
    let sent = 0;
    for (const { flow, message } of this.#waiting) {
      if (ip.sendDatagram(flow, protocolFor(flow.remote), message) === "full") break;
      this.#bytes -= message.length;
      sent += 1;
    }
    this.#waiting.splice(0, sent);
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }
}

function protocolFor({ family }: IpAddress): number {
  return family === 4 ? ICMP : ICMPV6;
}

/** RFC 792: over the message alone; RFC 4443 §2.3: over a pseudo-header too. */
function writeChecksum(message: Uint8Array, local: IpAddress, remote: IpAddress): void {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const pseudo = remote.family === 4 ? 0 : wordsOf(local) + wordsOf(remote) + ICMPV6 + message.length;
  view.setUint16(2, complement(sum(view, 0, message.length) + pseudo));
}

function wordsOf({ w0, w1, w2, w3 }: IpAddress): number {
  let total = 0;
  for (const word of [w0, w1, w2, w3]) total += (word >>> 16) + (word & 0xffff);
  return total;
}
