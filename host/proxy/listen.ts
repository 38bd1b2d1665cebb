/** Local listeners: TCP ports whose connections go to one handler, and the errors that a user can meet in binding them. */
import { createServer, type Server, type Socket } from "node:net";
import { WasmguardError } from "../errors.ts";
import { describeTarget, type Target } from "./way.ts";

export interface Listener {
  /** Where it really listens: the port that was chosen if 0 was asked for. */
  readonly address: Target;
  /** Accept no more. What is open goes on. */
  close(): void;
}

export class ListenError extends WasmguardError {
  readonly name = "ListenError";
  readonly code: string;
  readonly nextStep: string;
  constructor(bind: Target, code: string, cause: unknown) {
    super(`cannot listen on ${describeTarget(bind)}: ${code}`, { cause });
    this.code = code;
    this.nextStep =
      code === "EADDRINUSE"
        ? "Stop the program that has the port (`ss -ltnp` shows it), or choose another one."
        : code === "EACCES"
          ? "Ports below 1024 need a right that this user lacks: choose a higher one."
          : "Check that this machine has the address.";
  }
}

/** @throws ListenError */
export async function listenTcp(bind: Target, onConnection: (socket: Socket) => void): Promise<Listener> {
  // Half-open: a client that has said all still waits for the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  await listenOn(server, bind);
  return { address: addressOf(server, bind), close: () => server.close() };
}

/** @throws ListenError */
export function listenOn(server: Server, bind: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(new ListenError(bind, error.code ?? "", error)));
    server.listen({ host: bind.host, port: bind.port, exclusive: true }, () => {
      server.removeAllListeners("error");
      // A connection that cannot be accepted (no descriptor left, say) is no reason to end.
      server.on("error", () => {});
      resolve();
    });
  });
}

export function addressOf(server: Server, bind: Target): Target {
  const address = server.address();
  return address !== null && typeof address === "object" ? { host: address.address, port: address.port } : bind;
}
