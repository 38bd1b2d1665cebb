/**
 * Every C function that wasmguard calls, and the shape of its arguments, one letter each:
 *   i  int, or an unsigned 32-bit value below 2^31
 *   n  size_t or unsigned long
 *   p  address, given as a byte offset from the start of the core's linear memory; 0 is NULL
 * All results are read as int: what is longer in C (ssize_t) never exceeds 2^31 − 1 in Linux.
 * open, fcntl, ioctl, prctl and syscall are variadic in C; the Linux ABIs of x86_64 and arm64 pass them alike.
 */
export const SIGNATURES = {
  accept4: "ippi",
  access: "pi",
  bind: "ipi",
  clock_gettime: "ip",
  close: "i",
  connect: "ipi",
  epoll_create1: "i",
  epoll_ctl: "iiip",
  epoll_wait: "ipii",
  eventfd: "ii",
  fcntl: "iii",
  getrandom: "pni",
  getsockname: "ipp",
  getsockopt: "iiipp",
  inotify_add_watch: "ipi",
  inotify_init1: "i",
  ioctl: "inn",
  kill: "ii",
  listen: "ii",
  madvise: "pni",
  mkdir: "pi",
  open: "pii",
  pipe2: "pi",
  poll: "pni",
  posix_spawn: "pppppp",
  posix_spawn_file_actions_adddup2: "pii",
  posix_spawn_file_actions_init: "p",
  posix_spawnattr_init: "p",
  posix_spawnattr_setflags: "pi",
  ppoll: "pnpp",
  prctl: "innnn",
  read: "ipn",
  recvmmsg: "ipiip",
  recvmsg: "ipi",
  sched_yield: "",
  sendmmsg: "ipii",
  sendmsg: "ipi",
  setgroups: "np",
  setresgid: "iii",
  setresuid: "iii",
  setsockopt: "iiipi",
  socket: "iii",
  syscall: "nnnnnn",
  umask: "i",
  unlink: "p",
  write: "ipn",
  writev: "ipi",
} as const;

export type FunctionName = keyof typeof SIGNATURES;

/** A C library as a system has it. */
export interface CLibrary<Name extends string = string> {
  /** Files that it may be; the first one that loads is. */
  readonly files: readonly string[];
  /** The function that tells where errno of the calling thread is. */
  readonly errnoAt: string;
  /** Shapes of arguments, as above. */
  readonly signatures: Readonly<Record<Name, string>>;
  /** Functions that are called for packets. */
  readonly packetPath: ReadonlySet<Name>;
}

/** Linux's: glibc, then musl. @param arch as `uname -m` says it */
export function linuxLibrary(arch: string): CLibrary<FunctionName> {
  return {
    files: ["libc.so.6", `libc.musl-${arch}.so.1`],
    errnoAt: "__errno_location",
    signatures: SIGNATURES,
    packetPath: new Set([
      ...(["read", "write", "writev", "recvmsg", "recvmmsg", "sendmsg", "sendmmsg"] as const),
      ...(["poll", "ppoll", "epoll_wait", "sched_yield"] as const),
    ]),
  };
}

/** What the functions are for: packets, or a few calls of a process that ends soon or becomes another program. */
export type Use = "packets" | "few calls";

/** A C function: arguments as its signature says, C's own result (−1 on failure). */
export type Call = (...args: number[]) => number;
export type Calls<Name extends string = FunctionName> = Record<Name, Call>;

/** What a runtime's FFI must offer; one file per runtime. */
export interface Backend<Name extends string = FunctionName> {
  readonly name: "node" | "bun" | "deno" | "koffi";
  /** Machine address of the bytes. They must not move: Wasm memory or a plain ArrayBuffer. */
  addressOf(bytes: Uint8Array): bigint;
  /** The C functions, with addresses counted from `base`. */
  bind(base: bigint, use: Use): Calls<Name>;
  /** Give the kernel back what the C library's heap has free. Not in musl, and where the runtime has an allocator of its own. */
  trimHeap?(): void;
  /** errno of the calling thread. Read it right after the call that failed. */
  errno(): number;
}

// biome-ignore lint/suspicious/noExplicitAny: each FFI has its own argument types
export type RawCall = (...args: any[]) => number;

/**
 * Convert arguments on the way in. The shapes of the packet path are spelt out, because a spread
 * call allocates; the others go the slow way.
 */
export function convertArguments(
  call: RawCall,
  shape: string,
  at: (offset: number) => number | bigint,
  size: (value: number) => number | bigint,
): Call {
  switch (shape) {
    case "ipn":
      return (a, b, c) => call(a, at(b!), size(c!));
    case "ipi":
      return (a, b, c) => call(a, at(b!), c);
    case "pni":
      return (a, b, c) => call(at(a!), size(b!), c);
    case "ipii":
      return (a, b, c, d) => call(a, at(b!), c, d);
    case "ipiip":
      return (a, b, c, d, e) => call(a, at(b!), c, d, at(e!));
    default: {
      const convert = [...shape].map((kind) => (kind === "p" ? at : kind === "n" ? size : undefined));
      return (...args) => call(...args.map((value, i) => convert[i]?.(value) ?? value));
    }
  }
}

/** As convertArguments, with a conversion for each place. */
export function convertEach(call: RawCall, convert: readonly ((value: number) => bigint)[]): Call {
  const [first, second, third, fourth, fifth] = convert;
  switch (convert.length) {
    case 3:
      return (a, b, c) => call(first!(a!), second!(b!), third!(c!));
    case 4:
      return (a, b, c, d) => call(first!(a!), second!(b!), third!(c!), fourth!(d!));
    case 5:
      return (a, b, c, d, e) => call(first!(a!), second!(b!), third!(c!), fourth!(d!), fifth!(e!));
    default:
      return (...args) => call(...args.map((value, i) => convert[i]!(value)));
  }
}
