/**
 * Settings to one UAPI `set`, the same that `wg setconf` sends: what the file does not say is reset.
 */

import type { TunnelSettings } from "../../config/settings.ts";
import { adviceFor } from "../../errno-advice.ts";
import { errnoName } from "../../ffi/errno.ts";
import { KEY_BYTES } from "../../keys/text.ts";
import { requestUapi } from "../../uapi/client.ts";
import { CliError } from "../command-errors.ts";
import { Output } from "../show/output.ts";

/**
 * @param endpoints  of each peer, resolved; undefined for a peer without one
 * @returns          the request; the caller wipes it
 */
export function setRequest(tunnel: TunnelSettings, endpoints: readonly (string | undefined)[]): Uint8Array {
  const output = new Output().text("set=1\nprivate_key=").hexKey(tunnel.privateKey ?? new Uint8Array(KEY_BYTES));
  output.text(`\nlisten_port=${tunnel.listenPort}\nfwmark=${tunnel.firewallMark}\nreplace_peers=true\n`);
  for (const [i, peer] of tunnel.peers.entries()) {
    output.text("public_key=").hexKey(peer.publicKey).text("\n");
    if (peer.presharedKey) output.text("preshared_key=").hexKey(peer.presharedKey).text("\n");
    if (endpoints[i] !== undefined) output.text(`endpoint=${endpoints[i]}\n`);
    if (peer.persistentKeepalive !== undefined) {
      output.text(`persistent_keepalive_interval=${peer.persistentKeepalive}\n`);
    }
    output.text("replace_allowed_ips=true\n");
    for (const prefix of peer.allowedIps) output.text(`allowed_ip=${prefix}\n`);
  }
  return output.text("\n").take();
}

/** Send a `set` and check its answer. The request is wiped. @throws CliError, UapiClientError */
export async function applyRequest(interfaceName: string, request: Uint8Array): Promise<void> {
  const answer = await requestUapi(interfaceName, request).finally(() => request.fill(0));
  const errno = /^errno=(-?\d+)\n\n$/.exec(Buffer.from(answer).toString("latin1"))?.[1];
  if (errno === "0") return;
  const reason = errno === undefined ? "its answer is not one" : errnoName(Math.abs(Number(errno)));
  const nextStep = adviceFor(reason) ?? "See its log: LOG_LEVEL=verbose";
  throw new CliError(`${interfaceName} refused its configuration (${reason})`, nextStep);
}
