/** One query over TCP (RFC 7766): two bytes of length in front of each message. For answers that do not fit into a datagram. */
import type { IpAddress } from "../address.ts";
import type { TcpService, TcpStream } from "../tcp/face.ts";

const PORT = 53;

export interface TcpExchangeEvents {
  message(bytes: Uint8Array): void;
  /** It ended without a whole message. */
  failed(): void;
}

/** @returns a way to give it up, after which nothing is told; undefined if it cannot even begin */
export function exchangeOverTcp(
  tcp: TcpService,
  server: IpAddress,
  query: Uint8Array,
  timeoutMs: number,
  events: TcpExchangeEvents,
): (() => void) | undefined {
  const framed = new Uint8Array(2 + query.length);
  new DataView(framed.buffer).setUint16(0, query.length);
  framed.set(query, 2);
  // The length first, then room for the whole: what comes byte by byte is copied once.
  let received = new Uint8Array(2);
  let filled = 0;
  let over = false;
  const end = (tell: () => void) => {
    if (over) return;
    over = true;
    stream.abort();
    tell();
  };
  const read = () => {
    for (let bytes = stream.read(); bytes !== undefined && !over; bytes = stream.read()) {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + received.length - filled);
        received.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < received.length) break;
        if (received.length > 2) return end(() => events.message(received.subarray(2)));
        const length = (received[0]! << 8) | received[1]!;
        if (length === 0) return end(() => events.failed());
        const whole = new Uint8Array(2 + length);
        whole.set(received);
        received = whole;
      }
    }
    if (stream.ended) end(() => events.failed());
  };
  const opened = tcp.connect({
    remote: server,
    remotePort: PORT,
    timeoutMs,
    handler: {
      connected: () => void stream.write(framed, "given"),
      readable: read,
      closed: () => end(() => events.failed()),
    },
  });
  if (typeof opened === "string") return undefined;
  const stream: TcpStream = opened;
  return () => end(() => {});
}
