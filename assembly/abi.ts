// Sizes, codes and offsets that both compilers read: `asc` for the core, `tsc` for the host.
// Only untyped integer literals live here. Every record is little-endian and 8-byte aligned. Of a record only those fields
// stand here that the host reads; the whole is an @unmanaged class in records/, and the build fails where the two differ.

// A path: where a datagram goes to or came from, and the local address it came to. The system's
// own socket address never enters the core: host/os translates, so that the core is portable.
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
export const TX_TOS = 12; // u32: outer TOS / traffic class byte; in the byte above, the hop limit, 0 for the system's own
export const TX_PEER = 16; // u32: peer slot
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
export const RX_SLOTS = 8; // UDP messages per receive call
export const TX_TRAINS = 16; // UDP messages per send call
export const THREADS_MAX = 16; // instances on one memory
export const IO_CONTROL_BYTES = 65536; // of each thread's `ioControl`
export const MESSAGE_BYTES_MAX = 65536; // room for one UDP message, or one TUN read with its header
export const TRAIN_DATAGRAMS_MAX = 64; // UDP_MAX_SEGMENTS of every kernel that has UDP_SEGMENT
export const TRAIN_BYTES_MAX_IPV4 = 65507; // 65535 − 20 − 8
export const TRAIN_BYTES_MAX_IPV6 = 65527; // 65535 − 8

// A peer (records/peer.ts): what the host may see. Keys but the public one live in the secret record of the same slot.
export const PEER_CURRENT = 4; // u32: keypair 1..3 of this peer, 0 none
export const PEER_PREVIOUS = 8; // u32
export const PEER_NEXT = 12; // u32
export const PEER_EVENTS = 16; // u32: EVENT_* bits since the host last looked
export const PEER_HANDSHAKE = 20; // u32: HANDSHAKE_* state
export const PEER_LOCAL_INDEX = 24; // u32: our index of the handshake under way
export const PEER_RX = 40; // u64: bytes of authenticated messages
export const PEER_TX = 48; // u64: bytes of UDP payload sent
export const PEER_PATH = 56; // PATH_BYTES; family 0 while no endpoint is known
export const PEER_PUBLIC_KEY = 104; // 32 bytes
export const PEER_BYTES = 240;

export const PEER_FLAG_STATIC_STATIC = 1; // the static-static secret is computed
export const PEER_FLAG_LAST_MAC1 = 2; // a mac1 awaits a cookie reply
export const PEER_FLAG_COOKIE = 4; // a cookie is held
export const PEER_FLAG_REKEY_ASKED = 8; // the last-minute rekey of this session was asked for
export const PEER_FLAG_COMB = 16; // there is a table of its key's multiples
export const PEER_FLAG_NO_COMB = 32; // its key cannot have one

export const HANDSHAKE_ZEROED = 0;
export const HANDSHAKE_CREATED_INITIATION = 1;
export const HANDSHAKE_CONSUMED_INITIATION = 2;
export const HANDSHAKE_CREATED_RESPONSE = 3;
export const HANDSHAKE_CONSUMED_RESPONSE = 4;

export const EVENT_DATA = 1; // an authenticated packet with data came
export const EVENT_KEEPALIVE = 2; // an authenticated packet without data came
export const EVENT_CONFIRMED = 4; // `next` became `current`: the initiator has the key
export const EVENT_REKEY = 8; // initiator, and the session nears its end: make a new one
export const EVENT_PATH = 16; // the endpoint or the address it is answered from changed
export const EVENT_SENT = 32; // another thread sent data to it
export const EVENT_PATH_OFFERED = 64; // a new endpoint came that the host must allow first

// Secrets of a peer (records/peer-secret.ts), in the same slot number as the peer.
export const SECRET_PRESHARED_KEY = 0; // Q, 32
export const SECRET_EPHEMERAL = 128; // E_priv, 32
export const SECRET_BYTES = 256;

// Groups of secret records and keypairs (memory/peer-secrets.ts).
export const SECRET_GROUP_PEERS = 16;
export const SECRET_GROUP_KEYPAIRS = 4096; // where the keypairs begin in a group: behind SECRET_GROUP_PEERS records
export const SECRET_GROUP_BYTES = 61440;
export const KEYPAIRS_PER_PEER = 3;
/** Keys, counters, replay window (transport/keypair.ts). */
export const KEYPAIR_BYTES = 1152;

// The device's own secrets (records/identity.ts).
export const IDENTITY_PRESENT = 0; // u32: 1 while a private key is set
export const IDENTITY_PRIVATE_KEY = 16; // 32
export const IDENTITY_PUBLIC_KEY = 48; // 32
export const IDENTITY_BYTES = 256;

// Handshake messages that wait for the host: the message, where it came from.
export const QUEUED_LENGTH = 0; // u32
export const QUEUED_PATH = 8;
export const QUEUED_MESSAGE = 56; // 148 at the most
export const QUEUED_BYTES = 208;

// Random bytes the host puts down before a handshake message is made.
export const RANDOM_EPHEMERAL = 0; // 32
export const RANDOM_INDICES = 32; // 8 candidates of 4
export const RANDOM_INDICES_BYTES = 32;
export const RANDOM_NONCE = 64; // 24, for a cookie reply
export const RANDOM_OTHER_EPHEMERAL = 64; // 32, for the second of two answers at once
export const RANDOM_OTHER_INDICES = 96; // and its candidates
export const RANDOM_BYTES = 128;

/** Where the host puts one key before it calls, and wipes it after. */
export const SECRET_EXCHANGE_BYTES = 32;

// Message types and sizes (WireGuard paper §5.4).
export const MESSAGE_INITIATION = 1;
export const MESSAGE_RESPONSE = 2;
export const MESSAGE_COOKIE_REPLY = 3;
export const MESSAGE_TRANSPORT = 4;
export const INITIATION_BYTES = 148;
export const RESPONSE_BYTES = 92;
export const COOKIE_REPLY_BYTES = 64;
export const TRANSPORT_HEADER_BYTES = 16;
export const TAG_BYTES = 16;
export const KEEPALIVE_BYTES = 32;

// What became of a packet from the inside: `status << SEND_STATUS_SHIFT | peer` as returned by `sendPacket`.
export const SEND_STATUS_SHIFT = 24;
export const SEND_PEER_MASK = 0xffffff;
export const SEND_DONE = 0;
export const SEND_DONE_REKEY = 1; // sent, and the session wants replacing
export const SEND_STAGE = 2; // no usable session: keep the packet, start a handshake
export const SEND_NO_PEER = 3; // no allowed-ips entry for the destination
export const SEND_NO_ENDPOINT = 4;
export const SEND_MALFORMED = 5;
export const SEND_MORE = 6; // no transmit room left: flush, then call `sendMore`
export const SEND_TOO_BIG = 7; // over PACKET_BYTES_MAX_…
export const SEND_LOOP = 8; // dropped: our own datagram, or nested too deep
export const SEND_STALLED = 9; // another thread keeps some of it and does not go on: the device must end

// Of `receive` instead of a number of writes: as SEND_STALLED.
export const RECEIVE_STALLED = -1;

// What went wrong with a packet that an ICMP error answers.
export const ICMP_HOST_UNREACHABLE = 0; // no peer, or a peer without endpoint: 3/1, and 1/3 in ICMPv6
export const ICMP_TOO_BIG = 1; // 3/4, and 2/0 in ICMPv6

// Largest inner packet that one UDP datagram can carry, by the outer family: 65507 or 65527 bytes, less header, tag, padding.
export const PACKET_BYTES_MAX_IPV4 = 65472;
export const PACKET_BYTES_MAX_IPV6 = 65488;

// Why a packet was dropped. The order is the order of the counters.
export const DROP_SHORT = 0; // under 32 bytes
export const DROP_TYPE = 1; // unknown message type, or wrong size for it
export const DROP_INDEX = 2; // receiver index unknown
export const DROP_EXPIRED = 3; // session older than REJECT_AFTER_TIME
export const DROP_AUTHENTICATION = 4; // AEAD tag wrong
export const DROP_REPLAY = 5; // counter seen, or too old
export const DROP_INNER_PACKET = 6; // decrypted, but not a valid IP packet
export const DROP_SOURCE = 7; // inner source address is not this peer's
export const DROP_LOOP = 8; // outbound: our own datagram to that peer, or tunnels in tunnels too deep
export const DROP_HANDSHAKE_QUEUE = 9; // too many handshake messages waiting
export const DROP_MAC1 = 10;
export const DROP_HANDSHAKE = 11; // undecryptable, or in the wrong state
export const DROP_UNKNOWN_PEER = 12;
export const DROP_TIMESTAMP = 13; // initiation not newer than the last
export const DROP_FLOOD = 14; // initiation within 20 ms of the last
export const DROP_RATE = 15; // source address over its handshake rate
export const DROP_COOKIE = 16; // cookie reply not decryptable or not awaited
export const DROP_NO_PEER = 17; // outbound: no allowed-ips entry
export const DROP_NO_ENDPOINT = 18; // outbound
export const DROP_MALFORMED = 19; // outbound: not an IP packet
export const DROP_STAGED = 20; // outbound: staged queue overflow or given up
export const DROP_SEND = 21; // outbound: the system refused the datagram
export const DROP_LOW_ORDER = 22; // handshake: Diffie-Hellman result all zero
export const DROP_BATCH = 23; // more tiny packets in one receive call than a batch has room for
export const DROP_DOWN = 24; // the interface is down
export const DROP_COUNT = 25;
