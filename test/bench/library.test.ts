/** What the library's benchmark makes of its measurements. */
import { expect, it } from "vitest";
import type { LibraryResults, RuntimeResults } from "../../bench/library/results.ts";
import { libraryPart } from "../../bench/library/tables.ts";

const speed = (sender: number, receiver: number) => ({
  megabitsPerSecond: 1,
  megabitsPerCpuSecond: 1,
  microseconds: { sender, receiver },
  lost: 0,
});

function pageOf(runtime: RuntimeResults): string {
  return libraryPart({
    date: "",
    command: "",
    machine: { cpu: "", cores: 2, kernel: "" },
    load: [0, 0],
    baseline: undefined,
    seconds: 1,
    runtimes: [runtime],
  } satisfies LibraryResults);
}

it("the least a packet can take is its end of the sockets and the cipher, and the end that takes more decides", () => {
  const page = pageOf({
    runtime: "node24",
    throughput: { baseline: speed(8, 9), portable: speed(5, 6), sockets: speed(2, 3), "sealed sockets": speed(4, 5) },
    cipher: { seal: 2, open: 1.5 },
    firstPacket: {},
    memory: {},
  });
  expect(page).toContain(
    "\n| node24 | 8.0, 9.0 | 5.0, 6.0 | 2.0, 3.0 | 2.0, 1.5 | 4.0, 4.5 | 4.0, 5.0 | 1.50 × | 2.00 × | 1.80 × |",
  );
});

it("what was not measured leaves a gap", () => {
  const page = pageOf({ runtime: "bun", throughput: { portable: speed(5, 6) }, firstPacket: {}, memory: {} });
  expect(page).toContain("\n| bun | – | 5.0, 6.0 | – | – | – | – | – | – | – |");
});
