/** Connecting by name with a family that is preferred: the other one is asked for only if a name has no address of it. */
import { connectByName, type NameConnectContext, type NameFailure } from "../net/dns/happy-eyeballs.ts";
import type { TcpStream } from "../net/tcp/face.ts";
import type { SocketContext } from "../sockets/dial.ts";
import type { Prefer } from "./network-options.ts";

/** There is no such address; what a connection fails with is none of these. */
const WITHOUT_ADDRESS: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "ENETUNREACH"]);

export function preferring(at: NameConnectContext, prefer: Prefer): SocketContext["connectByName"] {
  return ({ family, ...wanted }, done) => {
    if (family !== 0) return connectByName(at, { ...wanted, families: family, done });
    if (prefer === "auto") return connectByName(at, { ...wanted, families: "both", done });
    const [first, second] = prefer === "ipv4" ? ([4, 6] as const) : ([6, 4] as const);
    let giveUp = connectByName(at, {
      ...wanted,
      families: first,
      done: (result: TcpStream | NameFailure) => {
        if (typeof result !== "string" || !WITHOUT_ADDRESS.has(result)) return done(result);
        giveUp = connectByName(at, { ...wanted, families: second, done });
      },
    });
    return () => giveUp();
  };
}
