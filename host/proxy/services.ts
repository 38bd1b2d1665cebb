/** Starts what a plan asks for, all of it or nothing. */
import { readFileSync } from "node:fs";
import { WasmguardError } from "../errors.ts";
import type { Plan, Service } from "./config/plan.ts";
import type { Context } from "./context.ts";
import { forwardIn, forwardOut } from "./forward/tcp.ts";
import { forwardUdpIn, forwardUdpOut } from "./forward/udp.ts";
import { serveHttpProxy } from "./http/server.ts";
import { Login } from "./login.ts";
import { serveSni } from "./sni/server.ts";
import { serveSocks5 } from "./socks5/server.ts";
import { describeTarget, type Target } from "./way.ts";

/** One service that runs, in the words of the log. */
export interface Running {
  readonly description: string;
  close(): void;
}

class CertificateError extends WasmguardError {
  readonly name = "CertificateError";
  readonly code = "CERTIFICATE";
  readonly nextStep = "CertFile and KeyFile are paths of PEM files that belong together and that this user may read.";
  constructor(bind: Target, cause: unknown) {
    super(
      `the TLS proxy on ${describeTarget(bind)} cannot use its certificate: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
  }
}

function loginOf(service: { credentials?: { user: string; password: string } }): { login?: Login } {
  const { credentials } = service;
  return credentials === undefined ? {} : { login: new Login(credentials.user, credentials.password) };
}

async function startHttp(context: Context, service: Extract<Service, { kind: "http" }>): Promise<Running> {
  const { bind, tls } = service;
  const scheme = tls === undefined ? "http" : "https";
  const started = (address: Target, close: () => void): Running => ({
    description: `${scheme} proxy on ${describeTarget(address)}`,
    close,
  });
  if (tls === undefined) {
    const listener = await serveHttpProxy(context, { bind, ...loginOf(service) });
    return started(listener.address, listener.close);
  }
  try {
    const pem = { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
    const listener = await serveHttpProxy(context, { bind, tls: pem, ...loginOf(service) });
    return started(listener.address, listener.close);
  } catch (error) {
    throw error instanceof Error && error.name === "ListenError" ? error : new CertificateError(bind, error);
  }
}

async function startOne(context: Context, service: Exclude<Service, { kind: "stdio" }>): Promise<Running> {
  switch (service.kind) {
    case "socks5": {
      const { address, close } = await serveSocks5(context, { bind: service.bind, ...loginOf(service) });
      return { description: `SOCKS5 proxy on ${describeTarget(address)}`, close };
    }
    case "http":
      return startHttp(context, service);
    case "sni": {
      const { address, close } = await serveSni(context, service.bind);
      return { description: `SNI proxy on ${describeTarget(address)}`, close };
    }
    case "tcp-out": {
      const { address, close } = await forwardOut(context, service.bind, service.target);
      return { description: `${describeTarget(address)} → ${describeTarget(service.target)} (TCP)`, close };
    }
    case "tcp-in": {
      const { close } = await forwardIn(context, service.port, service.target);
      return { description: `inside :${service.port} → ${describeTarget(service.target)} (TCP)`, close };
    }
    case "udp-out": {
      const { address, close } = await forwardUdpOut(context, service.bind, service);
      return { description: `${describeTarget(address)} → ${describeTarget(service.target)} (UDP)`, close };
    }
    case "udp-in": {
      const { close } = await forwardUdpIn(context, service.port, service);
      return { description: `inside :${service.port} → ${describeTarget(service.target)} (UDP)`, close };
    }
  }
}

/** Every service but stdio, which is the process's own. @throws what kept one from starting; none runs then */
export async function startServices(context: Context, plan: Pick<Plan, "services">): Promise<Running[]> {
  const running: Running[] = [];
  try {
    for (const service of plan.services) if (service.kind !== "stdio") running.push(await startOne(context, service));
    return running;
  } catch (error) {
    for (const { close } of running) close();
    throw error;
  }
}
