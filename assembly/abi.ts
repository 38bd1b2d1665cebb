// Sizes and offsets that both compilers read: `asc` for the core, `tsc` for the host.
// Only untyped integer literals live here. Every record is little-endian and 8-byte aligned.

// A path: where a datagram goes to or came from, and the local address it came to. The system's
// own socket address never enters the core: host/io translates, so that the core is portable.
export const PATH_FAMILY = 0; // u16: 0 none, 4, 6
export const PATH_PORT = 2; // u16, host byte order
export const PATH_SCOPE = 4; // u32: IPv6 scope id (zone)
export const PATH_ADDRESS = 8; // 16 bytes; IPv4 in the first four, the rest zero
export const PATH_LOCAL = 24; // 16 bytes: cached source address, same family; all zero when none
export const PATH_INTERFACE = 40; // u32: interface index of the cached source; 0 when none
export const PATH_BYTES = 48;
/** How much of a path is the remote endpoint (family, port, scope, address). */
export const PATH_REMOTE_BYTES = 24;

// One received UDP message: a datagram, or a train of equal datagrams that the kernel merged (UDP_GRO).
export const RX_OFFSET = 0; // u32: where the bytes are
export const RX_LENGTH = 4; // u32: how many
export const RX_SEGMENT = 8; // u32: datagram size within the train (= length for a single one); the last may be shorter
export const RX_TOS = 12; // u32: outer TOS / traffic class byte
export const RX_PATH = 16;
export const RX_BYTES = 64;

// One UDP message to send: a datagram, or a train of equal datagrams (UDP_SEGMENT).
export const TX_OFFSET = 0; // u32
export const TX_LENGTH = 4; // u32
export const TX_SEGMENT = 8; // u32: datagram size; = length for a single one; only the last may be shorter
export const TX_TOS = 12; // u32: outer TOS / traffic class byte
export const TX_PEER = 16; // u32: peer slot
export const TX_COUNT = 20; // u32: datagrams in the train
export const TX_PATH = 24;
export const TX_BYTES = 72;

// One write to the TUN device: a gather list. Entries have the shape of an LP64 `struct iovec`.
export const WRITE_GATHER = 0; // u32: offset of the first entry
export const WRITE_COUNT = 4; // u32: entries
export const WRITE_LENGTH = 8; // u32: bytes in all
export const WRITE_BYTES = 16;
export const GATHER_ADDRESS = 0; // u64: machine address = memory base + offset
export const GATHER_LENGTH = 8; // u64
export const GATHER_BYTES = 16;

// `struct virtio_net_hdr` as TUN devices with IFF_VNET_HDR use it (<linux/virtio_net.h>), native byte order.
export const VNET_FLAGS = 0; // u8
export const VNET_GSO_TYPE = 1; // u8
export const VNET_HDR_LEN = 2; // u16
export const VNET_GSO_SIZE = 4; // u16
export const VNET_CSUM_START = 6; // u16
export const VNET_CSUM_OFFSET = 8; // u16
export const VNET_BYTES = 10;

// Largest values.
export const MESSAGE_BYTES_MAX = 65536; // room for one UDP message, or one TUN read with its header
export const TRAIN_DATAGRAMS_MAX = 64; // UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT
export const TRAIN_BYTES_MAX_IPV4 = 65507; // 65535 − 20 − 8
export const TRAIN_BYTES_MAX_IPV6 = 65527; // 65535 − 8
