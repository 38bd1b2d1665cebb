/** Builds classic BPF programs for seccomp (<linux/filter.h>, man 2 seccomp). Every block ends with a verdict. */
import { SECCOMP } from "../ffi/constants.ts";
import { SECCOMP_DATA, SOCK_FILTER } from "../ffi/layout.ts";

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];
export type Verdict = number;

/** One argument of a system call, of which the low 32 bits are compared. */
export interface ArgumentTest {
  readonly argument: number;
  /** "is": equals one of the values. "has": shares a bit with one of them. "lacks": shares none with any. */
  readonly relation: "is" | "has" | "lacks";
  readonly values: readonly number[];
}

/** Tests that must all be passed. */
export type Alternative = readonly ArgumentTest[];

export const ALLOW: Verdict = SECCOMP.SECCOMP_RET_ALLOW;
export const KILL: Verdict = SECCOMP.SECCOMP_RET_KILL_PROCESS;

/** Fail the call. @param errno positive */
export function refuse(errno: number): Verdict {
  return SECCOMP.SECCOMP_RET_ERRNO | errno;
}

export class Filter {
  readonly #instructions: Instruction[] = [];

  /** Kill what calls by another table of numbers than the one the filter is written for. */
  requireArchitecture(architecture: number): void {
    this.#add(SECCOMP.BPF_LOAD_WORD, 0, 0, SECCOMP_DATA.architecture);
    this.#add(SECCOMP.BPF_JUMP_EQUAL, 1, 0, architecture);
    this.finish(KILL);
    this.#add(SECCOMP.BPF_LOAD_WORD, 0, 0, SECCOMP_DATA.number);
    if (architecture !== SECCOMP.AUDIT_ARCH_X86_64) return;
    this.#add(SECCOMP.BPF_JUMP_NOT_BELOW, 0, 1, SECCOMP.__X32_SYSCALL_BIT);
    this.finish(KILL);
  }

  /** Numbers are compared in this order: the frequent ones first. */
  decide(numbers: readonly number[], verdict: Verdict): void {
    for (const number of numbers) {
      this.#add(SECCOMP.BPF_JUMP_EQUAL, 0, 1, number);
      this.finish(verdict);
    }
  }

  /** A call whose arguments pass every test of one of the `alternatives` gets `verdict`, any other `otherwise`. */
  decideBy(number: number, alternatives: readonly Alternative[], verdict: Verdict, otherwise: Verdict): void {
    const block: Instruction[] = [];
    for (const tests of alternatives) {
      const alternative: Instruction[] = [];
      // From the end, so that each failure knows how far it is to the next alternative.
      for (const { argument, relation, values } of [...tests].reverse()) {
        const next: Instruction = [SECCOMP.BPF_JUMP, 0, 0, alternative.length + 1];
        const code = relation === "is" ? SECCOMP.BPF_JUMP_EQUAL : SECCOMP.BPF_JUMP_ANY_BIT;
        const compare = values.map((value, i): Instruction => {
          const left = values.length - i;
          // A match jumps over the remaining comparisons and over the way out; with "lacks" it is the way out.
          return relation === "lacks" ? [code, left - 1, left === 1 ? 1 : 0, value] : [code, left, 0, value];
        });
        alternative.unshift([SECCOMP.BPF_LOAD_WORD, 0, 0, SECCOMP_DATA.arguments + 8 * argument], ...compare, next);
      }
      block.push(...alternative, [SECCOMP.BPF_RETURN, 0, 0, verdict]);
    }
    block.push([SECCOMP.BPF_RETURN, 0, 0, otherwise]);
    this.#add(SECCOMP.BPF_JUMP_EQUAL, 1, 0, number);
    this.#add(SECCOMP.BPF_JUMP, 0, 0, block.length);
    this.#instructions.push(...block);
  }

  /** Allow a call whose arguments pass every test of one of the alternatives, else `otherwise`. */
  allowIf(number: number, alternatives: readonly Alternative[], otherwise: Verdict): void {
    this.decideBy(number, alternatives, ALLOW, otherwise);
  }

  finish(verdict: Verdict): void {
    this.#add(SECCOMP.BPF_RETURN, 0, 0, verdict);
  }

  #add(...instruction: Instruction): void {
    this.#instructions.push(instruction);
  }

  get length(): number {
    return this.#instructions.length;
  }

  /** Write the program as an array of struct sock_filter. */
  write(view: DataView, start: number): void {
    this.#instructions.forEach(([code, whenTrue, whenFalse, value], i) => {
      const at = start + SOCK_FILTER.BYTES * i;
      view.setUint16(at + SOCK_FILTER.code, code, true);
      view.setUint8(at + SOCK_FILTER.whenTrue, whenTrue);
      view.setUint8(at + SOCK_FILTER.whenFalse, whenFalse);
      view.setUint32(at + SOCK_FILTER.value, value, true);
    });
  }
}
