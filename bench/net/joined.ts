/** Two stacks in one process without a tunnel: superpackets go from one to the other through a ring in memory, copied at both ends. */
import { IpAddress } from "../../host/net/address.ts";
import type { PacketSink } from "../../host/net/sink.ts";
import { NetStack } from "../../host/net/stack.ts";
import { PACKET_BYTES_MAX, VNET_BYTES } from "../../host/net/vnet.ts";
import { Bulk, Meter, type Speed } from "./bulk.ts";

const SLOT_BYTES = VNET_BYTES + PACKET_BYTES_MAX;
const SLOTS = 32;
const WARM_UP = 1;

class Ring implements PacketSink {
  readonly bytes = new Uint8Array(SLOT_BYTES * SLOTS);
  readonly view = new DataView(this.bytes.buffer);
  readonly #lengths = new Int32Array(SLOTS);
  #taken = 0;
  #put = 0;
  refused = false;

  reserve(): number {
    if (this.#put - this.#taken < SLOTS) return (this.#put % SLOTS) * SLOT_BYTES;
    this.refused = true;
    return -1;
  }

  commit(_at: number, length: number): void {
    this.#lengths[this.#put % SLOTS] = length;
    this.#put += 1;
  }

  drain(to: NetStack, now: number): void {
    for (; this.#taken < this.#put; this.#taken++) {
      const slot = this.#taken % SLOTS;
      to.receive(this.bytes, slot * SLOT_BYTES, this.#lengths[slot]!, now, "lent");
    }
  }
}

function stackWith(sink: PacketSink, address: string): NetStack {
  return new NetStack({
    sink,
    addresses: [IpAddress.parse(address)!],
    mtu: 1420,
    random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
    now: performance.now(),
  });
}

export function joined(seconds: number): Speed {
  const [there, back] = [new Ring(), new Ring()];
  const [near, far] = [stackWith(there, "10.0.0.1"), stackWith(back, "10.0.0.2")];
  const bulk = new Bulk(near, far, "10.0.0.2");
  const step = (stack: NetStack, sink: Ring, to: NetStack) => {
    const now = performance.now();
    stack.turn(now);
    sink.drain(to, now);
    if (!sink.refused) return;
    sink.refused = false;
    stack.room();
  };
  let meter = new Meter(0);
  for (const period of [WARM_UP, seconds]) {
    meter = new Meter(bulk.bytes);
    while (meter.seconds < period) {
      step(near, there, far);
      step(far, back, near);
    }
  }
  return meter.speed(bulk.bytes);
}
