/**
 * The shape of bench/results/tunnel.json. Times are seconds of CPU, milliseconds where the name says so, sizes bytes.
 */
export const TESTS = ["tcp1", "tcp4", "tcprev", "udp", "udp512", "udp64", "udppaced", "ping"] as const;
export type Test = (typeof TESTS)[number];

/** Payload of the datagrams; the largest fill the tunnel's MTU, with 28 bytes of headers. */
export const DATAGRAM_BYTES = { udp: 1392, udp512: 512, udp64: 64, udppaced: 1392 } as const satisfies Partial<
  Record<Test, number>
>;
export type UdpTest = keyof typeof DATAGRAM_BYTES;

export function isUdp(test: Test): test is UdpTest {
  return Object.hasOwn(DATAGRAM_BYTES, test);
}

/** An echo request and its reply. */
export const ECHO_BYTES = 2 * 84;

/** What the kernel and the daemons threw away during one measurement. */
export interface Drops {
  /** Packets that the sending TUN device had no room for: its daemon did not read in time. */
  readonly nearTun: number;
  /** Datagrams that found no room in the sending daemon's socket. */
  readonly nearSendBuffer: number;
  /** Packets lost on the link. */
  readonly link: number;
  /** Datagrams that found no room in the receiving daemon's socket. */
  readonly farSocket: number;
  /** Packets that the receiving TUN device refused. */
  readonly farTun: number;
  /** Receive-buffer errors of all UDP sockets of the receiving end; a superpacket counts once at the daemon's. */
  readonly farBufferErrors: number;
  /** wasmguard's own counters that moved, by reason, both ends. */
  readonly daemons: Readonly<Record<string, number>>;
}

export interface Measurement {
  /** Name of the program at both ends, "veth" or "veth, single packets". */
  readonly program: string;
  readonly repetition: number;
  readonly test: Test;
  readonly failed?: string;
  /** Payload that arrived. */
  readonly bytes: number;
  readonly megabits?: number;
  readonly sentMegabits?: number;
  readonly lostPercent?: number;
  /** UDP: datagrams sent and lost. */
  readonly sent?: number;
  readonly lost?: number;
  readonly retransmits?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** utime + stime of the processes of each end. */
  readonly nearCpu: number;
  readonly farCpu: number;
  readonly nearPeakBytes: number;
  readonly farPeakBytes: number;
  /** The whole machine: busy seconds, and the share of time the hypervisor took. */
  readonly machineCpu: number;
  readonly stealPercent: number;
  readonly drops: Drops;
}

export interface PeersResult {
  readonly program: string;
  readonly peers: number;
  readonly setconfMs: number;
  readonly againMs: number;
  readonly dumpMs: number;
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly idlePercent: number;
}

export interface HandshakesResult {
  readonly program: string;
  readonly answered: number;
  readonly unanswered: number;
  readonly cookies: number;
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

export interface StartResult {
  readonly program: string;
  /** From the start of the command until its socket answered, and until the command returned. */
  readonly answerMs: number;
  readonly returnMs: number;
  /** CPU time of all processes until both; Linux tells it in steps of 10 ms. */
  readonly cpuMs?: number;
  /** Inside the runtime: importing the modules, compiling and instantiating the core. Ours only. */
  readonly importMs?: number;
  readonly compileMs?: number;
  readonly instantiateMs?: number;
}

export interface TunnelResults {
  readonly date: string;
  readonly command: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly kernel: string;
    readonly system: string;
  };
  /** Load average over one minute before and after. */
  readonly load: readonly [number, number];
  readonly seconds: number;
  readonly pacedMegabits: number;
  /** Name and version of each program, in the order of the tables. The first of ours is what ratios refer to. */
  readonly programs: readonly { readonly name: string; readonly kind: "ours" | "theirs"; readonly version: string }[];
  readonly iperf: string;
  readonly traffic: readonly Measurement[];
  readonly peers: readonly PeersResult[];
  readonly handshakes: readonly HandshakesResult[];
  readonly start: readonly StartResult[];
}
