/** `show --stats`: the numbers a daemon keeps beside what `wg show` knows, for people. */
import { requestUapi, UapiClientError } from "../../uapi/client.ts";
import { print } from "../print.ts";

/** Metric names repeat the program's; a person knows which program was asked. */
const PREFIX = "wasmguard_";

/** Lines of Prometheus text to rows of name and value; comments and the closing errno are left out. */
function rowsOf(answer: string): [name: string, value: string][] {
  return answer
    .split("\n")
    .filter((line) => line.startsWith(PREFIX))
    .map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(PREFIX.length, space), line.slice(space + 1)];
    });
}

/** @throws UapiClientError if nobody answers, or a daemon that keeps no statistics does */
export async function showStatistics(interfaceName: string): Promise<void> {
  const answer = new TextDecoder().decode(
    await requestUapi(interfaceName, new TextEncoder().encode("statistics=1\n\n")),
  );
  const rows = rowsOf(answer);
  if (rows.length === 0) {
    throw new UapiClientError(
      "EPROTO",
      `${interfaceName} keeps no statistics`,
      "Only wasmguard's own daemon does; `wasmguard show` works with all",
    );
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`);
  print(`interface: ${interfaceName}\n${lines.join("")}`);
}
