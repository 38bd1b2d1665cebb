/**
 * Plays an intruder who runs code in one thread of a process: has that thread make system calls, by ptrace from root. The
 * thread's filter, capabilities and Landlock answer as they would answer the intruder. x86_64 only.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import type { Libc } from "../../../host/ffi/libc.ts";
import { check } from "../../../host/ffi/libc.ts";
import { systemCall } from "../../../host/ffi/system-calls.ts";

// <sys/ptrace.h>
const PTRACE_SINGLESTEP = 9;
const PTRACE_GETREGS = 12;
const PTRACE_SETREGS = 13;
const PTRACE_ATTACH = 16;
const PTRACE_DETACH = 17;
/** <sys/wait.h> */
const WAIT_FOR_ANY_KIND = 0x40000000;
/** Places in struct user_regs_struct, which has 27 words (<sys/user.h>). */
const REGISTER = { r10: 7, r9: 8, r8: 9, rax: 10, rdx: 12, rsi: 13, rdi: 14, origRax: 15, rip: 16 } as const;
const REGISTERS = 27;
const ARGUMENTS = ["rdi", "rsi", "rdx", "r10", "r8", "r9"] as const;
const SYSCALL_INSTRUCTION = Buffer.from([0x0f, 0x05]);
const MMAP = 9;
const PRIVATE_ANONYMOUS = 0x22;
const READ_WRITE = 3;
export const PAGE_BYTES = 65_536;
/** What the kernel keeps for itself: a call that a signal interrupted is to be made again. */
const RESTART_FIRST = 512n;
const RESTART_LAST = 516n;
const EINTR = 4n;
const STOPPED = 0x7f;

export class InjectedThread {
  readonly #libc: Libc;
  readonly #tid: number;
  readonly #memory: number;
  readonly #saved: BigUint64Array;
  readonly #instruction: bigint;
  /** PAGE_BYTES of memory in the process. */
  readonly page: bigint;

  constructor(libc: Libc, pid: number, tid: number) {
    this.#libc = libc;
    this.#tid = tid;
    this.#ptrace(PTRACE_ATTACH, 0);
    this.#wait();
    this.#memory = openSync(`/proc/${pid}/mem`, "r+");
    this.#saved = this.#registers();
    this.#instruction = this.#findInstruction(pid);
    this.page = BigInt(this.call(MMAP, 0, PAGE_BYTES, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0));
  }

  /** @returns the result, or −errno */
  call(number: number, ...args: readonly (number | bigint)[]): number {
    const registers = this.#saved.slice();
    registers[REGISTER.rax] = BigInt(number);
    registers[REGISTER.origRax] = BigInt.asUintN(64, -1n);
    registers[REGISTER.rip] = this.#instruction;
    ARGUMENTS.forEach((name, i) => {
      registers[REGISTER[name]] = BigInt.asUintN(64, BigInt(args[i] ?? 0));
    });
    this.#setRegisters(registers);
    this.#ptrace(PTRACE_SINGLESTEP, 0);
    this.#wait();
    return Number(BigInt.asIntN(64, this.#registers()[REGISTER.rax]!));
  }

  /** Put bytes into the page. @returns their address */
  put(bytes: Uint8Array | string, at = 0): bigint {
    const address = this.page + BigInt(at);
    writeSync(
      this.#memory,
      typeof bytes === "string" ? Buffer.from(`${bytes}\0`) : bytes,
      0,
      undefined,
      Number(address),
    );
    return address;
  }

  /** Read from the page. */
  get(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#memory, bytes, 0, length, Number(this.page) + at);
    return bytes;
  }

  /** Let it go on where it was. */
  release(): void {
    const registers = this.#saved.slice();
    const result = BigInt.asUintN(64, -registers[REGISTER.rax]!);
    if (result >= RESTART_FIRST && result <= RESTART_LAST) registers[REGISTER.rax] = BigInt.asUintN(64, -EINTR);
    registers[REGISTER.origRax] = BigInt.asUintN(64, -1n);
    this.#setRegisters(registers);
    this.#ptrace(PTRACE_DETACH, 0);
    closeSync(this.#memory);
  }

  #findInstruction(pid: number): bigint {
    const line = readFileSync(`/proc/${pid}/maps`, "latin1")
      .split("\n")
      .find((text) => text.endsWith("[vdso]"));
    const [start = 0, end = 0] = (line ?? "")
      .split(" ")[0]!
      .split("-")
      .map((text) => Number.parseInt(text, 16));
    const code = Buffer.alloc(end - start);
    readSync(this.#memory, code, 0, code.length, start);
    const at = code.indexOf(SYSCALL_INSTRUCTION);
    if (at < 0) throw new Error("no system call instruction in the vdso");
    return BigInt(start + at);
  }

  #ptrace(request: number, data: number): void {
    check(`ptrace ${request}`, this.#libc.systemCall(systemCall("ptrace")!, request, this.#tid, 0, data));
  }

  /** @throws when it has ended instead of stopping */
  #wait(): void {
    const { at, view } = this.#libc.scratch;
    const status = this.#libc.pointer(at(0));
    check("wait4", this.#libc.systemCall(systemCall("wait4")!, this.#tid, status, WAIT_FOR_ANY_KIND, 0));
    const word = view.getUint32(0, true);
    if ((word & 0xff) !== STOPPED) throw new ThreadEnded(word & STOPPED);
  }

  #registers(): BigUint64Array {
    const { at, bytes } = this.#libc.scratch;
    this.#ptrace(PTRACE_GETREGS, this.#libc.pointer(at(0)));
    return new BigUint64Array(bytes.slice(0, 8 * REGISTERS).buffer);
  }

  #setRegisters(registers: BigUint64Array): void {
    const { at, bytes } = this.#libc.scratch;
    bytes.set(new Uint8Array(registers.buffer));
    this.#ptrace(PTRACE_SETREGS, this.#libc.pointer(at(0)));
  }
}

/** The system call ended the process. */
export class ThreadEnded extends Error {
  readonly signal: number;

  constructor(signal: number) {
    super(`ended by signal ${signal}`);
    this.signal = signal;
  }
}
