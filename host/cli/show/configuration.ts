/**
 * `showconf`: a tunnel's state as a configuration file, in the words and order of `wg showconf`. Holds secrets.
 */

import type { Output } from "./output.ts";
import type { ShownDevice } from "./shown-device.ts";

/** The line that opens the file; more lines for the interface may follow it directly. */
export const INTERFACE_HEADING = "[Interface]\n";

/** Everything after INTERFACE_HEADING. */
export function writeConfigurationBody(output: Output, device: ShownDevice): void {
  if (device.listenPort) output.text(`ListenPort = ${device.listenPort}\n`);
  if (device.firewallMark) output.text(`FwMark = 0x${device.firewallMark.toString(16)}\n`);
  if (device.privateKey) output.text("PrivateKey = ").key(device.privateKey).text("\n");
  for (const peer of device.peers) {
    output.text("\n[Peer]\nPublicKey = ").key(peer.publicKey).text("\n");
    if (peer.presharedKey) output.text("PresharedKey = ").key(peer.presharedKey).text("\n");
    if (peer.allowedIps.length > 0) output.text(`AllowedIPs = ${peer.allowedIps.join(", ")}\n`);
    if (peer.endpoint) output.text(`Endpoint = ${peer.endpoint}\n`);
    if (peer.persistentKeepalive) output.text(`PersistentKeepalive = ${peer.persistentKeepalive}\n`);
  }
  if (device.peers.length === 0) output.text("\n");
}
