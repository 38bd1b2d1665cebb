/** One echo request through the tunnel, and its answer. */
import type { IpAddress } from "../net/address.ts";
import type { EchoFailure } from "../net/icmp/echo.ts";
import type { NetStack } from "../net/stack.ts";
import type { SocketContext } from "../sockets/dial.ts";
import { socketError } from "../sockets/socket-errors.ts";

/** As ping(8) sends by default. */
const PING_BYTES = 56;

export interface PingReply {
  readonly address: string;
  readonly rttMs: number;
  readonly hopLimit: number;
}

const CODES: Partial<Record<EchoFailure, string>> = {
  timeout: "ETIMEDOUT",
  network: "ENETUNREACH",
  prohibited: "EACCES",
};

/** @param options open: of the network, which ends what is in it when it closes @throws an error with ETIMEDOUT, EHOSTUNREACH …; the signal's reason */
export function ping(
  stack: NetStack,
  remote: IpAddress,
  options: { timeoutMs: number; signal: AbortSignal | undefined; open: SocketContext["open"] },
): Promise<PingReply> {
  const { timeoutMs, signal, open } = options;
  const where = { address: remote.toString(), port: 0 };
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const waiting = {
      destroy: () => {
        end();
        reject(socketError("ENETDOWN", "ping", where));
      },
    };
    const end = (): void => {
      open.delete(waiting);
      signal?.removeEventListener("abort", aborted);
      if (typeof socket !== "string") socket.close();
    };
    const aborted = (): void => {
      end();
      reject(signal?.reason);
    };
    const socket = stack.icmp.echo.open({
      remote,
      timeoutMs,
      handler: {
        reply: ({ rttMs, hopLimit }) => {
          end();
          resolve({ address: where.address, rttMs, hopLimit });
        },
        failed: (_sequence, failure) => {
          end();
          reject(socketError(CODES[failure] ?? "EHOSTUNREACH", "ping", where));
        },
      },
    });
    if (typeof socket === "string") return reject(socketError(socket, "ping", where));
    open.add(waiting);
    signal?.addEventListener("abort", aborted, { once: true });
    socket.send(PING_BYTES);
  });
}
