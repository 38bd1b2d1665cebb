/** The head of a request for another protocol, as it goes on to the server. */
import type { IncomingMessage } from "node:http";
import type { Target } from "../way.ts";
import { passingFields } from "./headers.ts";
import { absoluteTarget } from "./target.ts";

export function upgradeHead(request: IncomingMessage): { target: Target; head: string } | undefined {
  const absolute = absoluteTarget(request.url ?? "");
  const protocol = request.headers.upgrade;
  if (absolute === undefined || protocol === undefined) return undefined;
  const fields = {
    host: absolute.host,
    ...passingFields(request.rawHeaders),
    connection: "Upgrade",
    upgrade: protocol,
  };
  const lines = Object.entries(fields).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value) => `${name}: ${value}\r\n`),
  );
  return {
    target: absolute.target,
    head: `${request.method} ${absolute.path} HTTP/1.1\r\n${lines.join("")}\r\n`,
  };
}
