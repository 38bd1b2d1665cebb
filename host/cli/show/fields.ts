/**
 * `show NAME FIELD` and `show NAME dump`: tab-separated lines for scripts, those of `wg show`.
 */

import type { Output } from "./output.ts";
import type { ShownDevice, ShownPeer } from "./shown-device.ts";

const NONE = "(none)";
const OFF = "off";

/** Appends one value of a peer, or of the device. */
type PeerField = (output: Output, peer: ShownPeer) => void;
type DeviceField = (output: Output, device: ShownDevice) => void;

function keyOrNone(output: Output, key: Uint8Array | undefined): void {
  if (key) output.key(key);
  else output.text(NONE);
}

const mark = (device: ShownDevice): string => (device.firewallMark ? `0x${device.firewallMark.toString(16)}` : OFF);
const keepalive = (peer: ShownPeer): string => (peer.persistentKeepalive ? String(peer.persistentKeepalive) : OFF);

const DEVICE_FIELDS: Record<string, DeviceField> = {
  "public-key": (output, device) => keyOrNone(output, device.publicKey),
  "private-key": (output, device) => keyOrNone(output, device.privateKey),
  "listen-port": (output, device) => output.text(String(device.listenPort)),
  fwmark: (output, device) => output.text(mark(device)),
};

/** What follows the peer's public key; `peers` is the public key alone. */
const PEER_FIELDS: Record<string, PeerField | undefined> = {
  peers: undefined,
  "preshared-keys": (output, peer) => keyOrNone(output, peer.presharedKey),
  endpoints: (output, peer) => output.text(peer.endpoint ?? NONE),
  "allowed-ips": (output, peer) => output.text(peer.allowedIps.join(" ") || NONE),
  "latest-handshakes": (output, peer) => output.text(String(peer.handshakeSeconds)),
  transfer: (output, peer) => output.text(`${peer.rxBytes}\t${peer.txBytes}`),
  "persistent-keepalive": (output, peer) => output.text(keepalive(peer)),
};

const DUMP = "dump";

export const FIELDS: readonly string[] = [...Object.keys(DEVICE_FIELDS), ...Object.keys(PEER_FIELDS), DUMP];

function writeDump(output: Output, device: ShownDevice, prefix: string): void {
  output.text(prefix);
  keyOrNone(output, device.privateKey);
  output.text("\t");
  keyOrNone(output, device.publicKey);
  output.text(`\t${device.listenPort}\t${mark(device)}\n`);
  for (const peer of device.peers) {
    output.text(prefix).key(peer.publicKey).text("\t");
    keyOrNone(output, peer.presharedKey);
    output.text(`\t${peer.endpoint ?? NONE}\t${peer.allowedIps.join(",") || NONE}\t${peer.handshakeSeconds}`);
    output.text(`\t${peer.rxBytes}\t${peer.txBytes}\t${keepalive(peer)}\n`);
  }
}

/**
 * @param field   one of FIELDS
 * @param prefix  starts each line: the interface's name and a tab when all interfaces are shown, or ""
 */
export function writeField(output: Output, device: ShownDevice, field: string, prefix: string): void {
  const deviceField = DEVICE_FIELDS[field];
  if (field === DUMP) writeDump(output, device, prefix);
  else if (deviceField) {
    output.text(prefix);
    deviceField(output, device);
    output.text("\n");
  } else writePeerField(output, device, PEER_FIELDS[field], prefix);
}

function writePeerField(output: Output, device: ShownDevice, field: PeerField | undefined, prefix: string): void {
  for (const peer of device.peers) {
    output.text(prefix).key(peer.publicKey);
    if (field) {
      output.text("\t");
      field(output, peer);
    }
    output.text("\n");
  }
}
