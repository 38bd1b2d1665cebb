/**
 * Every C function that wasmguard calls on macOS, in the notation of ../signatures.ts.
 *
 * `open`, `fcntl` and `ioctl` are variadic. Apple's arm64 passes variadic arguments on the stack, where x86_64 has them in registers like
 * all others (Apple: "Writing ARM64 code for Apple platforms"). No FFI of a runtime knows of variadic functions; but whatever comes after
 * eight arguments for registers lies on the stack, too, and a 64-bit one in the very place where the callee looks for its first
 * variadic argument. So on arm64 zeros fill the registers that the named ones leave, and the variadic argument is the ninth.
 */
import type { CLibrary } from "../signatures.ts";

/** Arguments of whole numbers and addresses that arm64 passes in registers. */
const ARGUMENT_REGISTERS = 8;

/** What stands between the named arguments of a variadic function and the variadic one. @param arch as `uname -m` says it */
export function variadicPadding(arch: string, named: number): readonly 0[] {
  return arch === "aarch64" ? new Array<0>(ARGUMENT_REGISTERS - named).fill(0) : [];
}

const FIXED = {
  accept: "ipp",
  bind: "ipi",
  clock_gettime: "ip",
  close: "i",
  connect: "ipi",
  getentropy: "pn",
  getsockname: "ipp",
  getsockopt: "iiipp",
  if_indextoname: "ip",
  if_nametoindex: "p",
  kevent: "ipipip",
  kqueue: "",
  listen: "ii",
  minherit: "pni",
  mkdir: "pi",
  mlock: "pn",
  poll: "pii",
  read: "ipn",
  recvmsg: "ipi",
  sched_yield: "",
  sendmsg: "ipi",
  setrlimit: "ip",
  setsockopt: "iiipi",
  socket: "iii",
  umask: "i",
  unlink: "p",
  write: "ipn",
  writev: "ipi",
} as const;

/** The named arguments; one follows that is as wide as a register. */
const VARIADIC = { fcntl: "ii", ioctl: "in", open: "pi" } as const;

export type DarwinFunction = keyof typeof FIXED | keyof typeof VARIADIC;

const PACKET_PATH = ["kevent", "read", "recvmsg", "sched_yield", "sendmsg", "write", "writev"] as const;

/** @param arch as `uname -m` says it on Linux: x86_64 or aarch64 */
export function darwinLibrary(arch: string): CLibrary<DarwinFunction> {
  const shape = (named: string): string => `${named}${"n".repeat(variadicPadding(arch, named.length).length)}n`;
  return {
    files: ["/usr/lib/libSystem.B.dylib"],
    errnoAt: "__error",
    signatures: { ...FIXED, fcntl: shape(VARIADIC.fcntl), ioctl: shape(VARIADIC.ioctl), open: shape(VARIADIC.open) },
    packetPath: new Set(PACKET_PATH),
  };
}
