// Which files a runtime that starts again will load.
import { realpathSync } from "node:fs";
import { expect, test } from "vitest";
import { filesIn, loadedFiles } from "../../../host/confine/loaded-files.ts";

test("files are found once each, and neither devices, memory without a file nor what was replaced", () => {
  const maps = [
    "00400000-00500000 r-xp 00000000 fd:01 12      /opt/a runtime/bin/node",
    "00600000-00700000 r--p 00100000 fd:01 12      /opt/a runtime/bin/node",
    "7f0000000000-7f0000001000 r-xp 00000000 fd:01 13 /home/brew/lib/libuv.so.1",
    "7f0000002000-7f0000003000 r-xp 00000000 fd:01 14 /home/brew/lib/old.so (deleted)",
    "7f0000004000-7f0000005000 rw-s 00000000 00:05 15 /dev/zero",
    "7f0000006000-7f0000007000 rw-p 00000000 00:00 0 ",
    "7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0 [stack]",
    "",
  ].join("\n");
  expect(filesIn(maps)).toEqual(["/opt/a runtime/bin/node", "/home/brew/lib/libuv.so.1"]);
});

test("the program that runs is among those of this process", () => {
  expect(loadedFiles()).toContain(realpathSync(process.execPath));
});
