import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { openLibc } from "../../../../host/ffi/libc.ts";
import { nodeBackend } from "../../../../host/ffi/node.ts";
import { linuxLibrary } from "../../../../host/ffi/signatures.ts";
import { cleanFileMappings, releaseFilePages } from "../../../../host/os/linux/file-pages.ts";

const hasFfi =
  process.platform === "linux" &&
  nodeBackend(linuxLibrary(process.arch === "x64" ? "x86_64" : "aarch64")) !== undefined;
const runs = hasFfi ? it : it.skip;

/** As proc_pid_smaps(5) has it. */
const mapping = (head: string, anonymous: number): string =>
  `${head}\nSize:                264 kB\nRss:                 100 kB\nAnonymous:             ${anonymous} kB\nVmFlags: rd mr mw me sd\n`;

it("finds what is the file's alone: nothing that may be written, relocated, anonymous or shared", () => {
  const smaps = [
    mapping("00400000-0082e000 r--p 00000000 fe:00 5310495                            /usr/bin/node", 0),
    mapping("0082e000-03489000 r-xp 0042e000 fe:00 5310495                            /usr/bin/with a space", 0),
    mapping("072a7000-072dc000 r--p 06ea7000 fe:00 5310495                            /usr/bin/node", 212),
    mapping("072dc000-07308000 rw-p 06edc000 fe:00 5310495                            /usr/bin/node", 0),
    mapping("1d42a000-1d4b1000 r--p 00000000 00:00 0 ", 0),
    mapping("7fff3c5f4000-7fff3c5f8000 r--p 00000000 00:00 0                          [vvar]", 0),
    mapping("7f1c00000000-7f1c00001000 r--s 00000000 fe:00 99                           /tmp/shared", 0),
    mapping("7f195fdc0000-7f195ffd5000 r-xp 01627000 fe:00 5310495                    /usr/bin/node", 0),
  ].join("");
  expect(cleanFileMappings(smaps)).toEqual([
    { start: 0x400000, end: 0x82e000 },
    { start: 0x82e000, end: 0x3489000 },
    { start: 0x7f195fdc0000, end: 0x7f195ffd5000 },
  ]);
  expect(cleanFileMappings("")).toEqual([]);
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
