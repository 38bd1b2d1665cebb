/**
 * A program: one flow of numbered datagrams, in trains (UDP_SEGMENT, UDP_GRO), as fast as it goes. The sender goes on until it is ended. The
 * receiver prints how many came, and how many of them after one that was sent later.
 * Usage: node flow.ts send ADDRESS PORT | node flow.ts receive PORT DATAGRAMS MILLISECONDS-AT-THE-MOST
 */
import { ascii } from "../../../host/address/ascii.ts";
import { parseAddress } from "../../../host/address/ip.ts";
import { MESSAGE_BYTES_MAX, RX_SLOTS, TX_TRAINS } from "../../../host/core/codes.ts";
import type { Core } from "../../../host/core/core.ts";
import { loadCore } from "../../../host/core/load.ts";
import { rxLength, rxOffset, rxSegment } from "../../../host/core/records/rx.ts";
import { fillTx, txPath } from "../../../host/core/records/tx.ts";
import { openLibc } from "../../../host/ffi/libc.ts";
import { LinuxUdp } from "../../../host/os/linux/udp.ts";
import { sleep } from "./exec.ts";

const DATAGRAM_BYTES = 1_200;
const DATAGRAMS = 48; // of a train
const NUMBER_BYTES = 8;
/** Trains that are sent before others get their turn on a machine with few cores. */
const TRAINS = 4;

async function open(port: number): Promise<{ core: Core; udp: LinuxUdp }> {
  const core = await loadCore({ maxPeers: 1, maxAllowedIps: 1 }, "shared");
  const { ioControl: control, rxBuffers: buffer } = core.at;
  const libc = await openLibc(core.memory);
  const udp = new LinuxUdp(libc, { control, buffer, slots: RX_SLOTS, messages: TX_TRAINS });
  udp.open(port);
  return { core, udp };
}

async function send(address: string, port: number): Promise<void> {
  const { core, udp } = await open(0);
  const numbers = core.view;
  const text = ascii(address);
  const to = { address: parseAddress(text, 0, text.length)!, port, scope: 0 };
  for (let number = 0; ; ) {
    for (let train = 0; train < TRAINS; train++) {
      const at = core.at.txBuffers + MESSAGE_BYTES_MAX * train;
      fillTx(core.views, core.tx(train), at, DATAGRAMS * DATAGRAM_BYTES, DATAGRAM_BYTES, 0);
      core.writeEndpoint(txPath(core.tx(train)), to);
      for (let i = 0; i < DATAGRAMS; i++) numbers.setFloat64(at + DATAGRAM_BYTES * i, ++number, true);
    }
    udp.send(core.at.txDescriptors, TRAINS);
    await new Promise(setImmediate);
  }
}

async function receive(port: number, wanted: number, milliseconds: number): Promise<void> {
  const { core, udp } = await open(port);
  const end = performance.now() + milliseconds;
  let [received, late, highest] = [0, 0, 0];
  while (received < wanted && performance.now() < end) {
    const count = udp.receive(4, core.at.rxDescriptors) + udp.receive(6, core.at.rxDescriptors);
    if (count === 0) await sleep(1);
    for (let i = 0; i < count; i++) {
      const record = core.rx(i);
      const start = rxOffset(core.views, record);
      const last = start + rxLength(core.views, record) - NUMBER_BYTES;
      for (let at = start; at <= last; at += rxSegment(core.views, record)) {
        const number = core.view.getFloat64(at, true);
        received++;
        if (number <= highest) late++;
        else highest = number;
      }
    }
  }
  console.log(JSON.stringify({ received, late, sent: highest }));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === "send") await send(rest[0]!, Number(rest[1]));
else await receive(Number(rest[0]), Number(rest[1]), Number(rest[2]));
process.exit(0);
