/**
 * A request for another protocol, as WebSocket makes it (RFC 9110 §7.8). The two sides are joined only once the server has switched: one that
 * answers instead would be sent whatever the client says next, requests to others and its login at the proxy included.
 */
import { type IncomingMessage, request as send } from "node:http";
import type { Duplex } from "node:stream";
import { reset } from "../relay.ts";
import { forwardedFields, isAmbiguous } from "./headers.ts";
import type { AbsoluteTarget } from "./target.ts";

/** The server has switched: what it said, and the first bytes behind that. */
export interface Switched {
  readonly head: string;
  readonly far: Duplex;
  readonly early: Uint8Array;
}

/** A head in the words of HTTP. @throws for one that cannot be passed on */
function headOf(incoming: IncomingMessage, own: Record<string, string>): string {
  const { statusCode = 0, statusMessage = "", rawHeaders } = incoming;
  if (isAmbiguous(rawHeaders) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage))
    throw new Error("an answer of no kind");
  const fields = Object.entries({ ...forwardedFields(incoming), ...own }).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}\r\n`),
  );
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${fields.join("")}\r\n`;
}

/** The server did not switch: its answer is the last thing on this connection. */
function passAnswer(incoming: IncomingMessage, near: Duplex): void {
  if ((incoming.statusCode ?? 0) < 200) throw new Error("an answer of no kind");
  near.write(headOf(incoming, { connection: "close" }), "latin1");
  incoming.on("error", () => reset(near));
  incoming.pipe(near);
}

/**
 * @param far  a connection to the target, for this request alone
 * @returns    undefined if the server answered instead; `near` has or gets that answer
 * @throws     what keeps the server's answer from being had or passed on
 */
export function askToSwitch(
  request: IncomingMessage,
  { near, far, absolute }: { near: Duplex; far: Duplex; absolute: AbsoluteTarget },
): Promise<Switched | undefined> {
  return new Promise((resolve, reject) => {
    const protocol = request.headers.upgrade!;
    const upstream = send({
      createConnection: () => far,
      method: request.method!,
      path: absolute.path,
      headers: {
        ...forwardedFields(request),
        host: absolute.host,
        connection: "Upgrade",
        upgrade: protocol,
      },
    });
    const attempt = <T>(make: () => T): T | undefined => {
      try {
        return make();
      } catch (error) {
        far.destroy();
        reject(error);
        return undefined;
      }
    };
    const gone = (): void => void upstream.destroy();
    near.once("close", gone);
    upstream.on("upgrade", (incoming, _socket, early) => {
      near.off("close", gone);
      const switched = { connection: "Upgrade", upgrade: incoming.headers.upgrade ?? protocol };
      const head = attempt(() => headOf(incoming, switched));
      if (head !== undefined) resolve({ head, far, early });
    });
    upstream.on("response", (incoming) => {
      incoming.once("close", () => far.destroy());
      attempt(() => passAnswer(incoming, near));
      resolve(undefined);
    });
    upstream.on("error", reject);
    upstream.on("close", () => reject(new Error("the connection ended before the answer")));
    upstream.end();
  });
}
