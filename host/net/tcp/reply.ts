/** Segments of those that are no connection, or not yet, or no more: written from a few words, sent at once, never kept. */
import { TCP } from "../ip/protocols.ts";
import type { Context, Flow } from "../transport.ts";
import { CHECKSUM_OFFSET } from "./constants.ts";
import { Header } from "./segment.ts";

/** One at a time; whoever uses it sets all of it. */
export const reply = new Header();

/** Send `reply`, which has no payload. A sink that is full loses it, as a network would. */
export function sendReply(context: Context, flow: Flow): void {
  const { ip } = context;
  const { length } = reply;
  const at = ip.reserve(flow, TCP, length);
  if (at < 0) return;
  reply.write(ip.view, at, length);
  ip.commit(CHECKSUM_OFFSET, length, 0);
  context.counters.add("tcpSegmentsOut");
}
