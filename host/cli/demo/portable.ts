/**
 * The demo in one process, without root: two devices of the library, their datagrams over loopback UDP, their TUN
 * devices in memory. A few lines stand for the two systems' IP stacks: they answer pings and count bulk packets.
 *
 *   stack a -- TUN in memory -- device a <-- WireGuard over UDP, 127.0.0.1 --> device b -- TUN in memory -- stack b
 */
import { setTimeout as delay } from "node:timers/promises";
import { ascii } from "../../address/ascii.ts";
import { parseAddress } from "../../address/ip.ts";
import { Device, DgramBind, type TunEnd, tunPair } from "../../index.ts";
import { publicKeyText } from "../../keys/text.ts";
import { CliError } from "../command-errors.ts";
import { type KeyPair, newKeyPair } from "./demo-keys.ts";
import { echoReply, echoRequest, isUdp, type Route, repliedSequence, udpPacket } from "./packets.ts";
import { waitFor } from "./processes.ts";
import { median, milliseconds, rate, result, step } from "./report.ts";

const MTU = 1420;
const LOOPBACK = "127.0.0.1";
const LOOPBACK_STEP = "Is loopback down (as in a new network namespace), or UDP filtered there?";
const PINGS = 5;
const PING_WAIT_MS = 5000;
const BULK_MS = 3000;
/** Packets under way at most: what a UDP socket's default buffer takes without loss. */
const WINDOW = 64;
const STALL_MS = 100;
const PREFIXES = { ipv4: "10.66.0.", ipv6: "fd66::" } as const;

interface End {
  number: 1 | 2;
  device: Device;
  /** This system's side of the TUN device. */
  stack: TunEnd;
  /** Called with the sequence number of each echo reply. */
  replied: (sequence: number) => void;
  bulkBytes: number;
  bulkPackets: number;
}

function addressBytes(text: string): Uint8Array {
  const bytes = ascii(text);
  const address = parseAddress(bytes, 0, bytes.length);
  if (address === undefined) throw new RangeError(`not an address: ${text}`);
  return address;
}

async function makeEnd(number: 1 | 2, keys: KeyPair): Promise<End> {
  const [tun, stack] = tunPair({ mtu: MTU, queuePackets: 2 * WINDOW });
  const bind = new DgramBind({ ipv4: LOOPBACK, ipv6: false });
  const device = await Device.create({ privateKey: keys.privateKey, tun, bind });
  keys.privateKey.fill(0);
  const end: End = { number, device, stack, replied: () => {}, bulkBytes: 0, bulkPackets: 0 };
  stack.open({
    receive: (packet) => {
      if (isUdp(packet)) {
        end.bulkBytes += packet.length;
        end.bulkPackets++;
        return;
      }
      const reply = echoReply(packet);
      if (reply) stack.write(reply);
      else end.replied(repliedSequence(packet) ?? -1);
    },
    failed: () => {},
  });
  await device.start();
  return end;
}

function join(own: End, other: End, otherKeys: KeyPair): void {
  own.device.addPeer({
    publicKey: otherKeys.publicKey,
    endpoint: `${LOOPBACK}:${other.device.listenPort}`,
    allowedIps: [`${PREFIXES.ipv4}${other.number}/32`, `${PREFIXES.ipv6}${other.number}/128`],
  });
}

const route = (from: End, to: End, prefix: string): Route => ({
  from: addressBytes(`${prefix}${from.number}`),
  to: addressBytes(`${prefix}${to.number}`),
});

async function ping(from: End, to: End, prefix: string, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for (let sequence = 1; sequence <= PINGS; sequence++) {
    const start = performance.now();
    const answer = new Promise<number>((resolve) => {
      from.replied = (replied) => {
        if (replied === sequence) resolve(performance.now() - start);
      };
    });
    // The first one waits for the handshake.
    from.stack.write(echoRequest(route(from, to, prefix), sequence));
    const time = await Promise.race([answer, delay(PING_WAIT_MS, undefined, { ref: false })]);
    if (signal.aborted) throw new CliError("interrupted", "");
    if (time !== undefined) times.push(time);
  }
  if (times.length === 0) throw new CliError(`no answer from ${prefix}${to.number}`, LOOPBACK_STEP);
  return times;
}

/** Keep WINDOW packets under way for BULK_MS. @returns what arrived, and the seconds it took */
async function bulk(
  from: End,
  to: End,
  prefix: string,
  signal: AbortSignal,
): Promise<[bytes: number, seconds: number]> {
  const packet = udpPacket(route(from, to, prefix), MTU);
  const [bytesBefore, start] = [to.bulkBytes, performance.now()];
  let sent = 0;
  let arrived = to.bulkPackets;
  const first = to.bulkPackets;
  let progress = start;
  while (performance.now() - start < BULK_MS && !signal.aborted) {
    while (sent - (to.bulkPackets - first) < WINDOW && from.stack.write(packet.slice())) sent++;
    await new Promise((resolve) => setImmediate(resolve));
    if (to.bulkPackets !== arrived) [arrived, progress] = [to.bulkPackets, performance.now()];
    // What was lost never arrives: stop waiting for it.
    else if (performance.now() - progress > STALL_MS) [sent, progress] = [arrived - first, performance.now()];
  }
  if (signal.aborted) throw new CliError("interrupted", "");
  return [to.bulkBytes - bytesBefore, (performance.now() - start) / 1000];
}

async function play(a: End, b: End, keys: readonly [KeyPair, KeyPair], signal: AbortSignal): Promise<void> {
  join(a, b, keys[1]);
  join(b, a, keys[0]);
  for (const { number, device } of [a, b]) {
    result(`device ${number}`, `UDP port ${device.listenPort}, ${PREFIXES.ipv4}${number}, ${PREFIXES.ipv6}${number}`);
  }
  step("Pings through the tunnel");
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const prefix of Object.values(PREFIXES)) {
      const times = await ping(from, to, prefix, signal);
      const text = `${times.length} of ${PINGS} answered, ${milliseconds(median(times))} median`;
      result(`${prefix}${from.number} -> ${prefix}${to.number}`, text);
    }
  }
  step("The handshake");
  await waitFor("a handshake", () => a.device.statistics().peers[0]?.lastHandshake !== undefined, {
    timeoutMs: PING_WAIT_MS,
    signal,
  });
  const peer = a.device.statistics().peers[0]!;
  result("peer", publicKeyText(peer.publicKey));
  result("endpoint", peer.endpoint ?? "(none)");
  result("latest handshake", peer.lastHandshake?.toISOString() ?? "(none)");
  result("transfer", `${peer.rxBytes} B received, ${peer.txBytes} B sent`);
  step(`Bulk transfer through the tunnel (UDP, packets of ${MTU} bytes, ${BULK_MS / 1000} s)`);
  for (const [from, to, prefix] of [
    [a, b, PREFIXES.ipv4],
    [b, a, PREFIXES.ipv6],
  ] as const) {
    const [bytes, seconds] = await bulk(from, to, prefix, signal);
    if (bytes === 0) throw new CliError("nothing arrived", LOOPBACK_STEP);
    result(`${prefix}${from.number} -> ${prefix}${to.number}`, rate(bytes, seconds));
  }
}

/** @throws CliError; both devices are closed in any case */
export async function runPortableDemo(signal: AbortSignal): Promise<void> {
  step("Two devices in this process");
  const keys = [newKeyPair(), newKeyPair()] as const;
  const ends: End[] = [];
  try {
    ends.push(await makeEnd(1, keys[0]));
    ends.push(await makeEnd(2, keys[1]));
    await play(ends[0]!, ends[1]!, keys, signal);
  } finally {
    for (const { device } of ends) await device.close();
    for (const { privateKey } of keys) privateKey.fill(0);
  }
  step("Both devices are closed again, their keys wiped.");
}
