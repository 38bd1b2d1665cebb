import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { openLibc } from "../../../../host/ffi/libc.ts";
import { nodeBackend } from "../../../../host/ffi/node.ts";
import { linuxLibrary } from "../../../../host/ffi/signatures.ts";
import { cleanProgramMappings, releaseFilePages } from "../../../../host/os/linux/file-pages.ts";

const hasFfi =
  process.platform === "linux" &&
  nodeBackend(linuxLibrary(process.arch === "x64" ? "x86_64" : "aarch64")) !== undefined;
const runs = hasFfi ? it : it.skip;

/** As proc_pid_smaps(5) has it. */
const mapping = (head: string, { anonymous = 0, swap = 0 } = {}): string =>
  `${head}\nSize:                264 kB\nRss:                 100 kB\nAnonymous:             ${anonymous} kB\n` +
  `AnonHugePages:         0 kB\nSwap:                  ${swap} kB\nSwapPss:               ${swap} kB\nVmFlags: rd mr mw me sd\n`;
const NODE = "/usr/bin/with a space/node";

it("finds what is the program's alone: nothing that may be written, relocated, on swap, anonymous, shared or a library's", () => {
  const smaps = [
    mapping(`00400000-0082e000 r--p 00000000 fe:00 5310495                            ${NODE}`),
    mapping(`0082e000-03489000 r-xp 0042e000 fe:00 5310495                            ${NODE}`),
    mapping(`072a7000-072dc000 r--p 06ea7000 fe:00 5310495                            ${NODE}`, { anonymous: 212 }),
    mapping(`072dc000-072e0000 r--p 06edc000 fe:00 5310495                            ${NODE}`, { swap: 16 }),
    mapping(`072e0000-07308000 rw-p 06edc000 fe:00 5310495                            ${NODE}`),
    mapping("1d42a000-1d4b1000 r--p 00000000 00:00 0 "),
    mapping("7fff3c5f4000-7fff3c5f8000 r--p 00000000 00:00 0                          [vvar]"),
    mapping(`7f1c00000000-7f1c00001000 r--s 00000000 fe:00 99                           ${NODE}`),
    mapping("7f1d00000000-7f1d00001000 r-xp 00000000 fe:00 98                           /usr/lib/libc.so.6"),
    mapping(`7f195fdc0000-7f195ffd5000 r-xp 01627000 fe:00 5310495                    ${NODE}`),
  ].join("");
  expect(cleanProgramMappings(smaps, NODE)).toEqual([
    { start: 0x400000, end: 0x82e000 },
    { start: 0x82e000, end: 0x3489000 },
    { start: 0x7f195fdc0000, end: 0x7f195ffd5000 },
  ]);
  expect(cleanProgramMappings(smaps.replaceAll(/^Swap: .*\n/gm, ""), NODE)).toEqual([]);
  expect(cleanProgramMappings("", NODE)).toEqual([]);
});

const residentFiles = (): number =>
  1024 * Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);

runs("a process goes on without the pages that it let go of, and with those that it wrote", async () => {
  const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
  const before = residentFiles();
  releaseFilePages(libc);
  expect(residentFiles()).toBeLessThan(before * 0.7);
  expect(JSON.parse(execFileSync(process.execPath, ["-p", "JSON.stringify([1, 2])"]).toString())).toEqual([1, 2]);
  expect(new Intl.NumberFormat("de").format(1234.5)).toBe("1.234,5");
});
