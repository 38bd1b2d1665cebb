/**
 * TCP and UDP headers (RFC 9293, RFC 768) and the values of `struct virtio_net_hdr` that go with them.
 * Offsets are relative to the first byte of the transport header.
 */
export const TCP_SEQUENCE: usize = 4;
export const TCP_ACK: usize = 8;
export const TCP_OFFSET: usize = 12; // high nibble: header length in words
export const TCP_FLAGS: usize = 13;
export const TCP_WINDOW: usize = 14;
export const TCP_CHECKSUM: usize = 16;
export const TCP_URGENT: usize = 18;
export const TCP_HEADER: u32 = 20; // without options
export const UDP_LENGTH: usize = 4;
export const UDP_CHECKSUM: usize = 6;
export const UDP_HEADER: u32 = 8;

export const FLAG_FIN: u32 = 0x01;
export const FLAG_PSH: u32 = 0x08;
export const FLAG_ACK: u32 = 0x10;
export const FLAG_CWR: u32 = 0x80;

// <linux/virtio_net.h>
export const VNET_NEEDS_CSUM: u32 = 1;
export const GSO_NONE: u32 = 0;
export const GSO_TCPV4: u32 = 1;
export const GSO_TCPV6: u32 = 4;
export const GSO_UDP_L4: u32 = 5;
export const GSO_ECN: u32 = 0x80;
