/**
 * The options of `wasmguard NAME`, in one table: the parser, the help text and the daemon's start read it.
 * A new flag is one row here and one line in daemon-options.ts.
 */
import { readArguments } from "./arguments.ts";

export interface OptionRow {
  /** One letter; without it the option has only its long form. */
  readonly short?: string;
  /** How the help names the value; without it the option is a switch. */
  readonly value?: string;
  /** It may be given several times; its values are a list then. */
  readonly many?: true;
  readonly help: string;
}

export const DAEMON_OPTIONS = {
  foreground: { short: "f", help: "stay in the foreground; the log goes to stderr" },
  "tun-fd": { value: "N", help: "use the open TUN device at this descriptor (as WG_TUN_FD)" },
  wintun: { value: "FILE", help: "Windows (experimental): where wintun.dll is (beside the program)" },
  "allow-unsigned-wintun": { help: "Windows: take a wintun.dll that nobody has signed" },
  "uapi-fd": { value: "N", help: "use the listening socket at this descriptor (as WG_UAPI_FD)" },
  "socket-dir": { value: "DIR", help: "where the control socket goes (/var/run/wireguard, as WASMGUARD_SOCKET_DIR)" },
  metrics: { value: "ADDRESS", help: "serve Prometheus text at 127.0.0.1:PORT, [::1]:PORT or a unix socket's path" },
  "metrics-token": { value: "FILE", help: "the token that clients of a metrics PORT show (made at each start)" },
  web: { value: "ADDRESS", help: "serve a page about the tunnel at 127.0.0.1:PORT or [::1]:PORT" },
  threads: { value: "N", help: "threads that carry packets, 1 to 16 (1)" },
  "wide-vectors": {
    help: "packets and handshakes by 256-bit vectors where Node (24, 26) and the processor can: experimental",
  },
  nice: { value: "N", help: "scheduling priority, -20 to 19 (-10): packets must get their turn on a busy machine" },
  "busy-poll": { value: "US", help: "after a packet look this long for the next, 0 to 10000 (only when one is due)" },
  "packet-memory": { value: "MIB", help: "most memory that packets may take, 2 to 1024 (6)" },
  user: { value: "NAME", help: "run as this user once started (wasmguard if there is one, else nobody)" },
  "allow-unconfined": {
    value: "STEPS",
    help: "start although the system refuses these: no-new-privs, seccomp, landlock, memory, user, capabilities",
  },
  "no-confine": { help: "stay root: no change of user, no seccomp, no Landlock" },
  "drop-socket-rights": { help: "keep no capability at all: no fwmark, no listen port below 1024" },
  "no-tun-offload": { help: "read and write single packets at the TUN device: no vnet header" },
  "no-tun-tcp": { help: "no TCP superpackets at the TUN device" },
  "no-tun-udp": { help: "no UDP superpackets at the TUN device" },
  "no-udp-gso": { help: "send datagrams singly: no UDP_SEGMENT" },
  "no-udp-gro": { help: "receive datagrams singly: no UDP_GRO" },
} as const satisfies Record<string, OptionRow>;

/** Of `up`, `down` and `save`, on Windows alone. */
export const WINDOWS_QUICK_OPTIONS = {
  wintun: { value: "FILE", help: "where wintun.dll is (beside the program)" },
  "allow-unsigned-wintun": { help: "take one that nobody has signed" },
  hooks: { value: "run|skip", help: "run PreUp, PostUp, PreDown and PostDown by cmd.exe, or do without them" },
} as const satisfies Record<string, OptionRow>;

/** Of `service install`, besides those of the daemon. */
export const SERVICE_OPTIONS = {
  hooks: { value: "skip", help: "do without the PreUp, PostUp, PreDown and PostDown that FILE.conf has" },
  writers: {
    value: "SIDS",
    help: "who may change what it runs, besides administrators: S-1-5-..., separated by commas",
  },
} as const satisfies Record<string, OptionRow>;

/** What our own tests ask for; the help does not tell of it. */
export const TEST_OPTIONS = {
  "rekey-after": { value: "MS", help: "sessions are replaced after so long instead of 120 s, never later" },
} as const satisfies Record<string, OptionRow>;

export const COMMON_OPTIONS = {
  help: { short: "h", help: "print this text" },
  version: { help: "print the version" },
} as const satisfies Record<string, OptionRow>;

/** Values of one command line: a string for an option with a value, a list where it may be repeated, true for a switch that is present. */
export type OptionValues<T extends Record<string, OptionRow>> = {
  [K in keyof T]?: T[K] extends { many: true } ? string[] : T[K] extends { value: string } ? string : true;
};

export interface ParsedArguments<T extends Record<string, OptionRow>> {
  values: OptionValues<T & typeof COMMON_OPTIONS>;
  operands: string[];
}

/** Parse `args` by `rows` and the common options. @throws UsageError */
export function parseOptions<T extends Record<string, OptionRow>>(
  rows: T,
  args: readonly string[],
): ParsedArguments<T> {
  const { values, operands } = readArguments({ ...rows, ...COMMON_OPTIONS }, args);
  return { values: values as ParsedArguments<T>["values"], operands };
}
