/**
 * `npm run bench:fork`: what a second thread gains one tunnel (assembly/transport/fork.ts). How long a thread takes to seal a read of 44 full
 * segments, and to open a train of them, alone and with one that helps, in turns. No system calls: they are the same either way.
 * The best hundredth is what two cores do that nobody else wants; the median tells of this machine as it is.
 */
import { RX_SLOTS, VNET_BYTES } from "../host/core/codes.ts";
import { fillRx, rxPath } from "../host/core/records/rx.ts";
import { txLength, txOffset, txSegment } from "../host/core/records/tx.ts";
import { VNET } from "../host/core/records/vnet.ts";
import { Helper } from "../test/assembly/transport/helping/helper.ts";
import { HOST_A, HOST_B, Pair, packet } from "../test/host/engine/support/pair.ts";
import { positive, readCommandLine } from "./command-line.ts";

const USAGE = `npm run bench:fork [-- options]
  --rounds N   of each row, half of them with a thread that helps (60)`;
const ROUNDS = positive(USAGE, "rounds", readCommandLine(USAGE, { rounds: { type: "string", default: "60" } }).rounds);
const WARM_UP = 4;
const BATCHES = 100;
const SEGMENTS = 44;
const PAYLOAD = 1380;
const HEADERS = 40;
const TCP = 6;

/** A superpacket as read from TUN, at the sender's `tunBuffer`. @returns its length, vnet header included */
function prepareRead({ core }: Pair["a"]["engine"]): number {
  const at = core.at.tunBuffer;
  const bytes = packet(HOST_A, HOST_B, HEADERS + PAYLOAD * SEGMENTS, 7);
  bytes[9] = TCP;
  bytes[20 + 12] = 5 << 4; // twenty bytes of header
  core.bytes.fill(0, at, at + VNET_BYTES);
  core.bytes[at + VNET.flags] = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM
  core.bytes[at + VNET.gsoType] = 1; // VIRTIO_NET_HDR_GSO_TCPV4
  core.view.setUint16(at + VNET.gsoSize, PAYLOAD, true);
  core.bytes.set(bytes, at + VNET_BYTES);
  return VNET_BYTES + bytes.length;
}

const pair = (await Pair.create("fork", "shared")).connect();
const { a, b } = pair;
const [sender, receiver] = [a.engine.core, b.engine.core];
sender.exports.setTrainLength(SEGMENTS);
const length = prepareRead(a.engine);
const helpers = { seal: await Helper.start(a, "well"), open: await Helper.start(b, "well") };

/** @returns milliseconds */
function seal(): number {
  const start = performance.now();
  sender.exports.sendPacket(sender.at.tunBuffer, length, a.now);
  return performance.now() - start;
}

/** Have the sender's train received. @param slot of the batch */
function carry(slot: number): void {
  const train = sender.tx(0);
  const [from, bytes] = [txOffset(sender.views, train), txLength(sender.views, train)];
  const rx = receiver.rx(slot);
  const at = receiver.at.rxBuffers + 65_536 * slot;
  receiver.bytes.set(sender.bytes.subarray(from, from + bytes), at);
  fillRx(receiver.views, rx, at, bytes, txSegment(sender.views, train), 0);
  receiver.writeEndpoint(rxPath(rx), a.address);
}

/** @returns milliseconds for each train of a batch */
function open(trains: number): number {
  for (let slot = 0; slot < trains; slot++) {
    sender.exports.clearTrains();
    seal();
    carry(slot);
  }
  const start = performance.now();
  if (receiver.exports.receive(trains, b.now) !== trains * SEGMENTS) throw new Error("not all was opened");
  return (performance.now() - start) / trains;
}

const works = {
  "seal a read": { helper: helpers.seal, run: seal },
  "open a train": { helper: helpers.open, run: () => open(1) },
  "open a train of eight": { helper: helpers.open, run: () => open(RX_SLOTS) },
};

const microseconds = (times: number[], share: number) =>
  (1000 * times.toSorted((x, y) => x - y)[Math.floor(times.length * share)]!).toFixed(1);

for (const helper of Object.values(helpers)) helper.pause();
console.log("microseconds             alone best  p50     helped best  p50");
for (const [name, { helper, run }] of Object.entries(works)) {
  const times: Record<"alone" | "helped", number[]> = { alone: [], helped: [] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const how = round % 2 === 0 ? "alone" : "helped";
    if (how === "helped") helper.resume();
    for (let i = 0; i < BATCHES; i++) {
      sender.exports.clearTrains();
      const took = run();
      if (round >= WARM_UP) times[how].push(took);
    }
    helper.pause();
  }
  const row = [times.alone, times.helped].map((list) => `${microseconds(list, 0.01)}  ${microseconds(list, 0.5)}`);
  console.log(`${name.padEnd(24)} ${row.join("        ")}`);
}
process.exit(0);
