/**
 * What the core's numbers mean: results of its calls, events, reasons, sizes. No layouts: those stay behind the views in
 * records/. The numbers themselves stand in assembly/abi.ts, which both compilers read.
 */
export {
  COOKIE_REPLY_BYTES,
  DROP_DOWN,
  DROP_HANDSHAKE_QUEUE,
  DROP_LOOP,
  DROP_MALFORMED,
  DROP_NO_ENDPOINT,
  DROP_NO_PEER,
  DROP_RATE,
  DROP_SEND,
  DROP_SHORT,
  DROP_STAGED,
  DROP_TYPE,
  EVENT_CONFIRMED,
  EVENT_DATA,
  EVENT_KEEPALIVE,
  EVENT_PATH,
  EVENT_PATH_OFFERED,
  EVENT_REKEY,
  EVENT_SENT,
  ICMP_HOST_UNREACHABLE,
  ICMP_TOO_BIG,
  INITIATION_BYTES,
  IO_CONTROL_BYTES,
  KEEPALIVE_BYTES,
  MESSAGE_BYTES_MAX,
  MESSAGE_COOKIE_REPLY,
  MESSAGE_INITIATION,
  MESSAGE_RESPONSE,
  MESSAGE_TRANSPORT,
  PACKET_BYTES_MAX_IPV4,
  PACKET_BYTES_MAX_IPV6,
  RECEIVE_STALLED,
  RESPONSE_BYTES,
  RX_SLOTS,
  SECRET_EXCHANGE_BYTES,
  SEND_DONE,
  SEND_DONE_REKEY,
  SEND_LOOP,
  SEND_MALFORMED,
  SEND_MORE,
  SEND_NO_ENDPOINT,
  SEND_NO_PEER,
  SEND_STAGE,
  SEND_STALLED,
  SEND_TOO_BIG,
  THREADS_MAX,
  TRAIN_DATAGRAMS_MAX,
  TX_TRAINS,
  VNET_BYTES,
} from "../../assembly/abi.ts";

import { SEND_PEER_MASK, SEND_STATUS_SHIFT } from "../../assembly/abi.ts";

/** SEND_… of what `sendPacket`, `sendMore` or `sendKeepalive` returned. */
export function sendStatus(result: number): number {
  return result >>> SEND_STATUS_SHIFT;
}

/** The peer's slot in the same result, where the status has one. */
export function sendPeer(result: number): number {
  return result & SEND_PEER_MASK;
}
