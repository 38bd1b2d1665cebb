/**
 * Two functions for Windows to call on threads of its own, where no runtime runs JavaScript (node:ffi's callbacks are for the thread that made
 * them): so they are machine code, and do nothing but set a byte.
 *
 *   handler(control, _, _, context)   context[control & 255] = 1; return 0     HandlerEx of a service
 *   main()                            *started = 1                             ServiceMain, which may return before the service ends
 */

export interface MachineCode {
  readonly handler: Uint8Array;
  /** The address of `started` is behind it: 8 bytes. */
  readonly main: Uint8Array;
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

export const MACHINE_CODE: Readonly<Record<"x86_64" | "aarch64", MachineCode>> = {
  x86_64: {
    // movzx eax, cl; mov byte ptr [r9+rax], 1; xor eax, eax; ret
    handler: Uint8Array.of(0x0f, 0xb6, 0xc1, 0x41, 0xc6, 0x04, 0x01, 0x01, 0x31, 0xc0, 0xc3),
    // mov rax, [rip+4]; mov byte ptr [rax], 1; ret
    main: Uint8Array.of(0x48, 0x8b, 0x05, 0x04, 0x00, 0x00, 0x00, 0xc6, 0x00, 0x01, 0xc3),
  },
  aarch64: {
    // and w8, w0, #0xff; mov w9, #1; strb w9, [x3, x8]; mov w0, #0; ret
    handler: words(0x12001c08, 0x52800029, 0x38286869, 0x52800000, 0xd65f03c0),
    // ldr x8, .+16; mov w9, #1; strb w9, [x8]; ret
    main: words(0x58000088, 0x52800029, 0x39000109, 0xd65f03c0),
  },
};

/** Where functions may begin. */
const ALIGNMENT = 16;

/** Both, one behind the other. @param started machine address  @returns the bytes, and where `main` begins; the handler is first */
export function placeCode({ handler, main }: MachineCode, started: bigint): { bytes: Uint8Array; mainAt: number } {
  const mainAt = Math.ceil(handler.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(mainAt + main.length + 8);
  bytes.set(handler);
  bytes.set(main, mainAt);
  new DataView(bytes.buffer).setBigUint64(mainAt + main.length, started, true);
  return { bytes, mainAt };
}
