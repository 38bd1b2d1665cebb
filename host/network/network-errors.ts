/** What can go wrong with a network beside what its device and sockets tell. */
import { WasmguardError } from "../errors.ts";

export class DispatcherUnsupportedError extends WasmguardError {
  readonly name = "DispatcherUnsupportedError";
  readonly code = "DISPATCHER_UNSUPPORTED";
  readonly nextStep = "Use network.fetch, network.httpAgent or network.httpsAgent.";
  constructor(runtime: string) {
    super(`${runtime} does not honour a dispatcher: requests would leave outside the tunnel`);
  }
}

export class NotReadyError extends WasmguardError {
  readonly name = "NotReadyError";
  readonly code = "NOT_READY";
  readonly nextStep = "Check endpoint, keys and firewall; the peer must know our public key.";
  constructor(reason: string, cause?: unknown) {
    super(`no peer answers: ${reason}`, { cause });
  }
}
