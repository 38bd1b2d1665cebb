// The machine code of a service's two functions, as an assembler has it.
import { describe, expect, it } from "vitest";
import { MACHINE_CODE, placeCode } from "../../../../host/os/windows/service/machine-code.ts";
import { assembled, whyNoZig } from "../../../support/zig.ts";

describe("machine code", () => {
  const SOURCES = {
    x86_64: {
      handler: "movzx eax, cl; mov byte ptr [r9+rax], 1; xor eax, eax; ret",
      main: "mov rax, [rip+4]; mov byte ptr [rax], 1; ret",
    },
    aarch64: {
      handler: "and w8, w0, #0xff; mov w9, #1; strb w9, [x3, x8]; mov w0, #0; ret",
      main: "ldr x8, .+16; mov w9, #1; strb w9, [x8]; ret",
    },
  } as const;
  const CASES = (["x86_64", "aarch64"] as const).flatMap((processor) =>
    (["handler", "main"] as const).map((name) => [processor, name] as const),
  );

  it.for(CASES)("%s: %s is what an assembler makes of it", ([processor, name], ctx) => {
    const missing = whyNoZig();
    if (missing !== undefined) ctx.skip(missing);
    const syntax = processor === "x86_64" ? ".intel_syntax noprefix\n" : "";
    const text = `${syntax}${SOURCES[processor][name].replaceAll("; ", "\n")}\n`;
    expect(assembled(`${processor}-windows`, text)).toEqual(MACHINE_CODE[processor][name]);
  });

  it.each(["x86_64", "aarch64"] as const)("%s: the address that main knows is where it looks for it", (processor) => {
    const { bytes, mainAt } = placeCode(MACHINE_CODE[processor], 0x1122_3344_5566n);
    // Relative to the end of the instruction, or to its start.
    const reads = processor === "x86_64" ? mainAt + 7 + 4 : mainAt + 16;
    expect(new DataView(bytes.buffer).getBigUint64(reads, true)).toBe(0x1122_3344_5566n);
    expect(bytes.length).toBe(reads + 8);
  });
});
