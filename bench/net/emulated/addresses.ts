/**
 * Who is who on the emulated links. Link `k` joins two senders with one receiver, each over an emulation of its own:
 *
 *   10.50.k.1  kernel ──┐
 *                       ├──▶ 10.51.k.2  kernel
 *   10.52.k.1  stack ───┘
 */
export const PORT = 5001;
export const kernelSender = (link: number) => `10.50.${link}.1`;
export const stackSender = (link: number) => `10.52.${link}.1`;
export const receiver = (link: number) => `10.51.${link}.2`;
export const SENDERS = "10.48.0.0/13";
export const RECEIVERS = "10.51.0.0/16";

/** Of an IPv4 packet: its destination, as network (the second byte) and link. */
export function destination(packet: Uint8Array): { network: number; link: number } {
  return { network: packet[17]!, link: packet[18]! };
}
export const KERNEL_NETWORK = 50;
