/** The vnet header in front of packets of the inside: `struct virtio_net_hdr` (<linux/virtio_net.h>), host byte order. */
import {
  VNET_BYTES,
  VNET_CSUM_OFFSET,
  VNET_CSUM_START,
  VNET_FLAGS,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HDR_LEN,
} from "../../../assembly/abi.ts";

export { VNET_BYTES };

/** Offsets of its fields, for who writes or reads one beside a packet. */
export const VNET = {
  flags: VNET_FLAGS, // u8
  gsoType: VNET_GSO_TYPE, // u8
  headerLength: VNET_HDR_LEN, // u16
  gsoSize: VNET_GSO_SIZE, // u16
  checksumStart: VNET_CSUM_START, // u16
  checksumOffset: VNET_CSUM_OFFSET, // u16
} as const;
