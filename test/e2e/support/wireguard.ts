/**
 * `wg` from a test's side: keys, configuration text, and `wg show NAME dump` read back.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { run } from "./exec.ts";

/** Base64, as in configuration files. Keys of tests only: they guard nothing. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A new pair, without a process per key: some tests need a thousand. */
export function makeKeyPair(): KeyPair {
  const pair = generateKeyPairSync("x25519");
  const part = (key: typeof pair.privateKey, name: "d" | "x") =>
    Buffer.from(key.export({ format: "jwk" })[name]!, "base64url");
  const secret = part(pair.privateKey, "d");
  secret[0]! &= 248;
  secret[31] = (secret[31]! & 127) | 64;
  return { privateKey: secret.toString("base64"), publicKey: part(pair.privateKey, "x").toString("base64") };
}

export function makePresharedKey(): string {
  return randomBytes(32).toString("base64");
}

export interface PeerConfig {
  readonly publicKey: string;
  readonly presharedKey?: string;
  readonly endpoint?: string;
  readonly allowedIps: readonly string[];
  readonly persistentKeepalive?: number;
}

export interface DeviceConfig {
  readonly privateKey?: string;
  readonly listenPort?: number;
  readonly peers: readonly PeerConfig[];
}

/** Text for `wg setconf`. */
export function formatConfig(config: DeviceConfig): string {
  const lines = ["[Interface]"];
  if (config.privateKey !== undefined) lines.push(`PrivateKey = ${config.privateKey}`);
  if (config.listenPort !== undefined) lines.push(`ListenPort = ${config.listenPort}`);
  for (const peer of config.peers) {
    lines.push("[Peer]", `PublicKey = ${peer.publicKey}`);
    if (peer.presharedKey !== undefined) lines.push(`PresharedKey = ${peer.presharedKey}`);
    if (peer.endpoint !== undefined) lines.push(`Endpoint = ${peer.endpoint}`);
    for (const prefix of peer.allowedIps) lines.push(`AllowedIPs = ${prefix}`);
    if (peer.persistentKeepalive !== undefined) lines.push(`PersistentKeepalive = ${peer.persistentKeepalive}`);
  }
  return `${lines.join("\n")}\n`;
}

export interface PeerStatus {
  readonly publicKey: string;
  readonly presharedKey: string | undefined;
  readonly endpoint: string | undefined;
  readonly allowedIps: readonly string[];
  /** Unix seconds; 0 before the first. */
  readonly latestHandshake: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Seconds; undefined when off. */
  readonly persistentKeepalive: number | undefined;
}

export interface DeviceStatus {
  readonly privateKey: string | undefined;
  readonly publicKey: string | undefined;
  readonly listenPort: number;
  readonly peers: readonly PeerStatus[];
}

export async function showDump(name: string): Promise<DeviceStatus> {
  const [device, ...peers] = (await run(["wg", "show", name, "dump"], { timeoutMs: 30_000 })).trimEnd().split("\n");
  const given = (value: string | undefined) =>
    value === undefined || value === "(none)" || value === "off" ? undefined : value;
  const [privateKey, publicKey, listenPort] = device!.split("\t");
  return {
    privateKey: given(privateKey),
    publicKey: given(publicKey),
    listenPort: Number(listenPort),
    peers: peers.map((line) => {
      const [key, psk, endpoint, allowedIps, handshake, received, sent, keepalive] = line.split("\t");
      return {
        publicKey: key!,
        presharedKey: given(psk),
        endpoint: given(endpoint),
        allowedIps: given(allowedIps)?.split(",") ?? [],
        latestHandshake: Number(handshake),
        receivedBytes: Number(received),
        sentBytes: Number(sent),
        persistentKeepalive: given(keepalive) === undefined ? undefined : Number(keepalive),
      };
    }),
  };
}
