/**
 * What `get=1` tells of a tunnel, read as strictly as `wg` reads it. Keys stay bytes; `wipe` clears the secret ones.
 */

import { ascii, EQUALS, find, LF } from "../../address/ascii.ts";
import { canonicalAddress, canonicalEndpoint } from "../../address/canonical.ts";
import { derivePublicKey } from "../../keys/public-key.ts";
import { KEY_HEX_CHARS, keyFromHex } from "../../keys/text.ts";
import { requestUapi, UapiClientError } from "../../uapi/client.ts";

export interface ShownPeer {
  publicKey: Uint8Array;
  /** Absent when it is all zero. */
  presharedKey?: Uint8Array;
  endpoint?: string;
  /** `address/bits`, in the device's order. */
  allowedIps: string[];
  handshakeSeconds: bigint;
  handshakeNanoseconds: bigint;
  rxBytes: bigint;
  txBytes: bigint;
  /** Seconds; 0 is off. */
  persistentKeepalive: number;
}

export interface ShownDevice {
  name: string;
  privateKey?: Uint8Array;
  publicKey?: Uint8Array;
  /** 0 is none, as for the mark. */
  listenPort: number;
  firewallMark: number;
  peers: ShownPeer[];
}

/** Messages of the errno values that daemons send. */
const ERRNO_TEXT: Record<number, string> = {
  1: "Operation not permitted",
  5: "Input/output error",
  19: "No such device",
  22: "Invalid argument",
  71: "Protocol error",
  98: "Address already in use",
};

const U16_MAX = 0xffffn;
const U32_MAX = 0xffffffffn;
const I64_MAX = 0x7fffffffffffffffn;
const U64_MAX = 0xffffffffffffffffn;
const ERRNO_MAX = 0x7fffffffn;

/** The answer breaks the grammar. Carries no text of it: it may hold keys. */
class AnswerError extends Error {}

function protocolError(name: string, errno = 71): UapiClientError {
  const reason = ERRNO_TEXT[errno] ?? `error ${errno}`;
  return new UapiClientError(
    "EPROTO",
    `Unable to access interface ${name}: ${reason}`,
    "The program behind its socket does not speak the WireGuard interface; restart the tunnel",
  );
}

function unsigned(text: string, maximum: bigint): bigint {
  if (!/^\d{1,20}$/.test(text)) throw new AnswerError();
  const value = BigInt(text);
  if (value > maximum) throw new AnswerError();
  return value;
}

function keyAt(answer: Uint8Array, start: number, end: number): Uint8Array {
  const key = end - start === KEY_HEX_CHARS ? keyFromHex(answer, start) : undefined;
  if (key === undefined) throw new AnswerError();
  return key;
}

function allowedIp(text: string): string {
  const slash = text.indexOf("/");
  const address = canonicalAddress(text.slice(0, Math.max(slash, 0)));
  if (address === undefined) throw new AnswerError();
  return `${address}/${unsigned(text.slice(slash + 1), address.includes(":") ? 128n : 32n)}`;
}

function endpoint(text: string): string {
  const canonical = canonicalEndpoint(text);
  if (canonical === undefined) throw new AnswerError();
  return canonical;
}

function newPeer(publicKey: Uint8Array): ShownPeer {
  return {
    publicKey,
    allowedIps: [],
    handshakeSeconds: 0n,
    handshakeNanoseconds: 0n,
    rxBytes: 0n,
    txBytes: 0n,
    persistentKeepalive: 0,
  };
}

/** One line that does not hold a key. Unknown keys are passed over: newer daemons may say more. */
function applyLine(device: ShownDevice, key: string, value: string): void {
  const peer = device.peers.at(-1);
  if (!peer) {
    if (key === "listen_port") device.listenPort = Number(unsigned(value, U16_MAX));
    else if (key === "fwmark") device.firewallMark = Number(unsigned(value, U32_MAX));
  } else if (key === "endpoint") peer.endpoint = endpoint(value);
  else if (key === "allowed_ip") peer.allowedIps.push(allowedIp(value));
  else if (key === "last_handshake_time_sec") peer.handshakeSeconds = unsigned(value, I64_MAX);
  else if (key === "last_handshake_time_nsec") peer.handshakeNanoseconds = unsigned(value, I64_MAX);
  else if (key === "rx_bytes") peer.rxBytes = unsigned(value, U64_MAX);
  else if (key === "tx_bytes") peer.txBytes = unsigned(value, U64_MAX);
  else if (key === "persistent_keepalive_interval") peer.persistentKeepalive = Number(unsigned(value, U16_MAX));
}

const SECRET_KEYS = { private_key: ascii("private_key"), preshared_key: ascii("preshared_key") } as const;
const PUBLIC_KEY = ascii("public_key");

function startsWith(answer: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  return end - start === key.length && key.every((byte, i) => answer[start + i] === byte);
}

/** A line of the kind `something_key=…`. @returns false if it is another kind */
function applyKeyLine(device: ShownDevice, answer: Uint8Array, start: number, equals: number, end: number): boolean {
  const peer = device.peers.at(-1);
  if (startsWith(answer, start, equals, PUBLIC_KEY)) {
    device.peers.push(newPeer(keyAt(answer, equals + 1, end)));
  } else if (startsWith(answer, start, equals, SECRET_KEYS.preshared_key)) {
    if (!peer) return true;
    const key = keyAt(answer, equals + 1, end);
    if (key.some((byte) => byte !== 0)) peer.presharedKey = key;
  } else if (startsWith(answer, start, equals, SECRET_KEYS.private_key)) {
    if (peer) return true;
    device.privateKey = keyAt(answer, equals + 1, end);
    device.publicKey = derivePublicKey(device.privateKey);
  } else return false;
  return true;
}

/** @returns the value of the `errno` line */
function readAnswer(device: ShownDevice, answer: Uint8Array): number {
  const text = new TextDecoder("latin1");
  let errno: number | undefined;
  for (let start = 0; start < answer.length; ) {
    const end = find(answer, LF, start, answer.length);
    if (end < 0) throw new AnswerError();
    if (end === start) {
      if (errno === undefined) throw new AnswerError();
      return errno;
    }
    const equals = find(answer, EQUALS, start, end);
    if (equals < 0) throw new AnswerError();
    if (!applyKeyLine(device, answer, start, equals, end)) {
      const key = text.decode(answer.subarray(start, equals));
      const value = text.decode(answer.subarray(equals + 1, end));
      if (key === "errno") errno = Number(unsigned(value, ERRNO_MAX));
      else applyLine(device, key, value);
    }
    start = end + 1;
  }
  throw new AnswerError();
}

/**
 * @param answer  to `get=1`, whole; not wiped here
 * @throws        UapiClientError if it breaks the grammar or tells of an error; nothing secret is kept then
 */
export function parseDevice(name: string, answer: Uint8Array): ShownDevice {
  const device: ShownDevice = { name, listenPort: 0, firewallMark: 0, peers: [] };
  try {
    const errno = readAnswer(device, answer);
    if (errno === 0) return device;
    throw protocolError(name, errno);
  } catch (error) {
    wipeDevice(device);
    throw error instanceof AnswerError ? protocolError(name) : error;
  }
}

/** Clear the secret keys. */
export function wipeDevice(device: ShownDevice): void {
  device.privateKey?.fill(0);
  for (const peer of device.peers) peer.presharedKey?.fill(0);
}

/** Ask a tunnel for its state. Wipe the result with `wipeDevice`. @throws UapiClientError */
export async function fetchDevice(name: string): Promise<ShownDevice> {
  const answer = await requestUapi(name, ascii("get=1\n\n"));
  try {
    return parseDevice(name, answer);
  } finally {
    answer.fill(0);
  }
}
