/**
 * ICMP and ICMPv6 (RFC 792, RFC 4443): echo requests are answered, echo replies go to whoever asked, errors to the transport that
 * sent the quoted packet. Everything else that can come, redirects and source quench among it, has no say here.
 */
import { fold, sum } from "../checksum.ts";
import type { Inbound } from "../inbound.ts";
import { plateauBelow } from "../ip/path-mtu.ts";
import { ICMP, ICMPV6 } from "../ip/protocols.ts";
import type { Context, IcmpError, Transport } from "../transport.ts";
import { EchoClients } from "./echo.ts";
import { IcmpErrors } from "./icmp-errors.ts";
import { ECHO_REPLY, ECHO_REQUEST, isError, kindOf } from "./kinds.ts";
import { Outbox } from "./outbox.ts";
import { QuotedPacket } from "./quoted.ts";

const HEADER_BYTES = 8;

export class Icmp implements Transport {
  readonly #context: Context;
  readonly #transportFor: (protocol: number) => Transport | undefined;
  readonly #outbox: Outbox;
  readonly #quoted = new QuotedPacket();
  /** Tells others that their packets came to nothing here. */
  readonly errors: IcmpErrors;
  readonly echo: EchoClients;

  constructor(context: Context, transportFor: (protocol: number) => Transport | undefined) {
    this.#context = context;
    this.#transportFor = transportFor;
    this.#outbox = new Outbox(context);
    this.errors = new IcmpErrors(context, this.#outbox);
    this.echo = new EchoClients(context, this.#outbox);
  }

  receive(packet: Inbound): void {
    const { counters } = this.#context;
    const { view, start, end, family } = packet;
    if (packet.protocol !== (family === 4 ? ICMP : ICMPV6)) return counters.add("ipProtocol");
    if (end - start < HEADER_BYTES) return counters.add("icmpMalformed");
    if (!packet.checksumKnown) {
      const pseudo = family === 4 ? 0 : packet.pseudoHeader(end - start);
      if (fold(sum(view, start, end) + pseudo) !== 0xffff) return counters.add("icmpChecksum");
    }
    const type = view.getUint8(start);
    if (type === ECHO_REQUEST[family]) this.#answer(packet);
    else if (type === ECHO_REPLY[family]) this.echo.receive(packet);
    else if (isError(family, type)) this.#error(packet, type);
    else counters.add("icmpUnknown");
  }

  #answer(packet: Inbound): void {
    const message = packet.bytes.slice(packet.start, packet.end);
    message[0] = ECHO_REPLY[packet.family];
    message[1] = 0;
    message[2] = 0;
    message[3] = 0;
    const flow = {
      local: packet.destination(),
      remote: packet.source(),
      trafficClass: packet.trafficClass & ~3,
      hopLimit: 0,
    };
    this.#outbox.add(flow, message);
  }

  #error(packet: Inbound, type: number): void {
    const { counters } = this.#context;
    const { bytes, view, start, end, family } = packet;
    const kind = kindOf(family, type, view.getUint8(start + 1));
    if (kind === undefined) return counters.add("icmpUnknown");
    const quoted = this.#quoted;
    if (!quoted.parse(view, start + HEADER_BYTES, end, family)) return counters.add("icmpMalformed");
    // It comes to where the packet came from, and we send nothing to ourselves (RFC 5927 §4.1).
    if (!quoted.source.equals(packet.destination())) return counters.add("icmpMalformed");
    const error: IcmpError = {
      kind,
      mtu: kind === "too-big" ? mtuOf(view, start, family, quoted.length) : 0,
      length: quoted.length,
      local: quoted.source,
      remote: quoted.destination,
      bytes,
      view,
      start: quoted.start,
      end,
    };
    const transport = this.#transportFor(quoted.protocol);
    if (transport === undefined) return counters.add("icmpUnknown");
    transport.error(error);
  }

  /** An error about an echo request of ours. */
  error(error: IcmpError): void {
    this.echo.error(error);
  }

  room(): void {}

  ready(): void {}

  turn(): void {
    this.echo.turn();
    this.#outbox.send();
  }

  tell(): void {
    this.echo.tell();
  }

  close(): void {
    this.#outbox.clear();
    this.echo.close();
  }
}

/** RFC 1191 §4 and §5: routers that do not say leave a zero. RFC 4443 §3.2. */
function mtuOf(view: DataView, start: number, family: 4 | 6, length: number): number {
  if (family === 6) return view.getUint32(start + 4);
  return view.getUint16(start + 6) || plateauBelow(length);
}
