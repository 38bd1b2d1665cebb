/**
 * A datagram sent by hand from a namespace, and the answers to it.
 */
import { fileURLToPath } from "node:url";
import type { Namespace } from "./topology.ts";

const PROGRAM = fileURLToPath(new URL("./udp-send.ts", import.meta.url));

/** @returns the answers that came within the time */
export async function exchange(
  from: Namespace,
  address: string,
  port: number,
  payload: Buffer,
  listenMs = 700,
): Promise<Buffer[]> {
  const argv = [process.execPath, PROGRAM, address, `${port}`, payload.toString("hex"), `${listenMs}`];
  const answers = await from.run(argv, { timeoutMs: listenMs + 10_000, env: { NODE_OPTIONS: undefined } });
  return answers
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Buffer.from(line, "hex"));
}
