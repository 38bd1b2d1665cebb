/**
 * The runtime's UDP sockets and the cipher in one process, and nothing else of a tunnel: no sessions, routes, replay window or timers, and
 * no copy that could be spared. What comes in one turn of the event loop is opened at once, and what is written until `flush` is sealed at
 * once, as the portable driver does it.
 */
import { setImmediate } from "node:timers";
import { pathToFileURL } from "node:url";
import type { Acquaintance, Link } from "./link.ts";
import type { EndOptions } from "./options.ts";
import { datagrams, type Receive } from "./socket-link.ts";

/** As a transport message has it: its type, an index, the counter. */
const HEADER_BYTES = 16;
const COUNTER_AT = 8;
/** About a train. */
const PACKETS = 64;
/** Of header, packet and tag, and a multiple of 64. */
const PLACE_BYTES = 1472;

type Crypto = typeof import("../../host/crypto/index.ts");

/** Messages one behind the other, each in a place of its own. */
class Train {
  readonly batch: InstanceType<Crypto["AeadBatch"]>;
  readonly #view: DataView;
  count = 0;

  constructor({ AeadBatch }: Crypto) {
    this.batch = new AeadBatch(PACKETS, PACKETS * PLACE_BYTES);
    const { buffer, byteOffset, length } = this.batch.area;
    this.#view = new DataView(buffer, byteOffset, length);
    for (let i = 0; i < PACKETS; i++) this.batch.offsets[i] = i * PLACE_BYTES + HEADER_BYTES;
  }

  addPacket(packet: Uint8Array, counter: bigint): void {
    const at = this.count * PLACE_BYTES;
    this.batch.area.set(packet, at + HEADER_BYTES);
    this.#view.setBigUint64(at + COUNTER_AT, counter, true);
    this.#add(packet.length, counter);
  }

  addMessage(message: Uint8Array): void {
    const at = this.count * PLACE_BYTES;
    this.batch.area.set(message, at);
    this.#add(message.length - HEADER_BYTES, this.#view.getBigUint64(at + COUNTER_AT, true));
  }

  #add(length: number, counter: bigint): void {
    this.batch.lengths[this.count] = length;
    this.batch.counters[this.count] = counter;
    this.count += 1;
  }

  /** @returns how many there were */
  take(): number {
    const { count } = this;
    this.count = 0;
    return count;
  }

  /** Message `i`, from `behind` bytes behind its beginning on. */
  part(i: number, behind: number): Uint8Array {
    const end = this.batch.offsets[i]! + this.batch.lengths[i]!;
    return this.batch.area.subarray(i * PLACE_BYTES + behind, end);
  }
}

export async function sealedLink(options: EndOptions): Promise<Link> {
  const crypto = (await import(pathToFileURL(`${options.root}/dist/host/crypto/index.js`).href)) as Crypto;
  // Of both ends and both directions, as no tunnel may have it.
  const key = crypto.AeadKey.import(new Uint8Array(32).fill(1));
  const [out, into] = [new Train(crypto), new Train(crypto)];
  let counter = 0n;
  let receiver: Receive = () => {};
  let other: Acquaintance;

  function open(): void {
    const count = into.take();
    if (count === 0) return;
    into.batch.open(key, count);
    for (let i = 0; i < count; i++) {
      if (into.batch.outcomes[i] === 1) receiver(into.part(i, HEADER_BYTES));
    }
  }

  const socket = await datagrams(options, (message) => {
    if (into.count === 0) setImmediate(open);
    into.addMessage(message);
    if (into.count === PACKETS) open();
  });

  function flush(): void {
    const count = out.take();
    if (count > 0) out.batch.seal(key, count);
    for (let i = 0; i < count; i++) socket.send(out.part(i, 0), other.port);
    socket.flush();
  }

  return {
    own: { publicKey: "", port: socket.port },
    meet(peer, receive) {
      other = peer;
      receiver = receive;
    },
    write(packet) {
      out.addPacket(packet, counter++);
      if (out.count === PACKETS) flush();
      return true;
    },
    flush,
    close: async () => socket.close(),
  };
}
