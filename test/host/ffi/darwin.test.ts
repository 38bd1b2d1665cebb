// Calls of macOS's C library as a processor's calling convention has them, and what becomes of its error numbers.
import { expect, test } from "vitest";
import { UTUN } from "../../../host/ffi/darwin/constants.ts";
import { commonErrno, DARWIN_ERRNO } from "../../../host/ffi/darwin/errno.ts";
import { CTL_INFO } from "../../../host/ffi/darwin/layout.ts";
import { darwinLibrary } from "../../../host/ffi/darwin/signatures.ts";
import { ERRNO } from "../../../host/ffi/errno.ts";
import { openStandIn, type Processor } from "../../support/darwin/library.ts";
import { Mac } from "../../support/darwin/mac.ts";
import { Network } from "../../support/darwin/network.ts";
import { Process } from "../../support/darwin/process.ts";

const AREA = 4096;

/** @returns the result of an ioctl that finds the control's number, and that number */
function findControl(callee: Processor, caller: Processor): [result: number, id: number] {
  const process = new Process(new Mac(new Network(), { addresses: ["192.0.2.1"] }));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { signatures } = darwinLibrary(caller);
  const libc = openStandIn(process, memory, callee, caller);
  expect(signatures.ioctl.length).toBe(caller === "aarch64" ? 9 : 3);
  new Uint8Array(memory.buffer).set(new TextEncoder().encode("com.apple.net.utun_control"), AREA + CTL_INFO.name);
  const fd = libc.socket(32, 2, 2);
  const result = libc.ioctl(fd, UTUN.CTLIOCGINFO, AREA);
  return [result, new DataView(memory.buffer).getUint32(AREA, true)];
}

test("a variadic argument is where the callee looks for it, on either processor", () => {
  expect(findControl("x86_64", "x86_64")).toEqual([0, 3]);
  expect(findControl("aarch64", "aarch64")).toEqual([0, 3]);
});

test("in a register, as x86_64 has it, arm64 does not see it", () => {
  expect(findControl("aarch64", "x86_64")).toEqual([-ERRNO.EFAULT, 0]);
});

test("fcntl and open are called in the same way", () => {
  for (const arch of ["x86_64", "aarch64"]) {
    const { signatures } = darwinLibrary(arch);
    const registers = arch === "aarch64" ? 8 : 2;
    for (const name of ["fcntl", "ioctl", "open"] as const) {
      expect([arch, name, signatures[name].length]).toEqual([arch, name, registers + 1]);
      // As wide as a place on the stack: a narrower one is packed closer there than variadic ones are.
      expect(signatures[name].at(-1)).toBe("n");
    }
  }
});

test("error numbers are told as Linux has them, and none is taken for another", () => {
  for (const [name, number] of Object.entries(DARWIN_ERRNO)) {
    expect([name, commonErrno(number)]).toEqual([name, ERRNO[name as keyof typeof ERRNO]]);
  }
  const linux = new Set<number>(Object.values(ERRNO));
  const known = new Set<number>(Object.values(DARWIN_ERRNO));
  for (let number = 1; number < 200; number++) {
    if (!known.has(number)) expect(linux.has(commonErrno(number))).toBe(false);
  }
});
