/**
 * UDP datagrams seen on an interface: tcpdump writes them to a file, a small reader takes them apart.
 * pcap (little-endian, Ethernet): a 24-byte file header, then 16 bytes (seconds, fraction, stored, original length) and
 * the frame for each packet. Only whole UDP datagrams over IPv4 and IPv6 are kept.
 */
import type { ChildProcess } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ended, killGroup, sleep, waitFor } from "./exec.ts";
import type { Namespace, Topology } from "./topology.ts";

export interface Datagram {
  /** When it was seen. */
  readonly seconds: number;
  readonly family: 4 | 6;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The IP header's 8 bits of DSCP and ECN. */
  readonly trafficClass: number;
  readonly payload: Buffer;
}

export type MessageType = "initiation" | "response" | "cookie" | "data" | "keepalive" | "other";

/** What a datagram is, by the type and length that the WireGuard paper §5.4 gives. */
export function messageType(payload: Buffer): MessageType {
  const type = payload.length >= 4 ? payload.readUInt32LE(0) : 0;
  if (type === 1 && payload.length === 148) return "initiation";
  if (type === 2 && payload.length === 92) return "response";
  if (type === 3 && payload.length === 64) return "cookie";
  if (type === 4 && payload.length === 32) return "keepalive";
  return type === 4 && payload.length > 32 ? "data" : "other";
}

export class Capture implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly path: string;

  private constructor(child: ChildProcess, path: string) {
    this.child = child;
    this.path = path;
  }

  static async start(topology: Topology, namespace: Namespace, device: string): Promise<Capture> {
    const path = join(topology.directory, `capture-${performance.now()}.pcap`);
    const argv = ["tcpdump", "-i", device, "-U", "--immediate-mode", "-s", "0", "-Z", "root", "-w", path, "udp"];
    const child = namespace.start(argv);
    let output = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    if (!(await waitFor(() => output.includes("listening on"), 15_000))) {
      killGroup(child);
      throw new Error(`tcpdump does not start: ${output}`);
    }
    return new Capture(child, path);
  }

  /** What has come so far. */
  datagrams(): Datagram[] {
    return readPcap(readFileSync(this.path));
  }

  /** So far, of one kind. */
  messages(type: MessageType): Datagram[] {
    return this.datagrams().filter((datagram) => messageType(datagram.payload) === type);
  }

  async stop(): Promise<Datagram[]> {
    // What was sent just now is still on its way to tcpdump.
    for (let [size, left] = [-1, 10]; size !== statSync(this.path).size && left > 0; left--) {
      size = statSync(this.path).size;
      await sleep(250);
    }
    if (this.child.pid !== undefined) process.kill(this.child.pid, "SIGINT");
    await ended(this.child, 3000);
    return this.datagrams();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killGroup(this.child);
  }
}

const PCAP_MAGIC = 0xa1b2c3d4;
const PCAP_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_HEADER = 14;
const UDP = 17;

function readPcap(file: Buffer): Datagram[] {
  if (file.length < PCAP_HEADER) return [];
  if (file.readUInt32LE(0) !== PCAP_MAGIC || file.readUInt32LE(20) !== 1) throw new Error("not pcap of Ethernet");
  const found: Datagram[] = [];
  let at = PCAP_HEADER;
  while (at + RECORD_HEADER <= file.length) {
    const length = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    if (frame.length < length) break; // tcpdump is writing this one
    const datagram = readFrame(frame, file.readUInt32LE(at) + file.readUInt32LE(at + 4) / 1e6);
    if (datagram) found.push(datagram);
    at += RECORD_HEADER + length;
  }
  return found;
}

function readFrame(frame: Buffer, seconds: number): Datagram | undefined {
  const etherType = frame.readUInt16BE(12);
  const ip = frame.subarray(ETHERNET_HEADER);
  if (etherType === 0x0800 && ip[9] === UDP && (ip.readUInt16BE(6) & 0x3fff) === 0) {
    return readUdp(seconds, 4, ip[1]!, ip.subarray((ip[0]! & 15) * 4));
  }
  if (etherType === 0x86dd && ip[6] === UDP)
    return readUdp(seconds, 6, (ip.readUInt16BE(0) >> 4) & 255, ip.subarray(40));
  return undefined;
}

function readUdp(seconds: number, family: 4 | 6, trafficClass: number, udp: Buffer): Datagram {
  return {
    seconds,
    family,
    trafficClass,
    sourcePort: udp.readUInt16BE(0),
    destinationPort: udp.readUInt16BE(2),
    payload: udp.subarray(8, udp.readUInt16BE(4)),
  };
}
