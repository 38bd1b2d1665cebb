/**
 * Clients of a tunnel that forward a local TCP port to the far end, without root and without an interface: wasmguard's proxy, onetun (smoltcp),
 * and wireguard-go's netstack (gVisor) in a program of some 100 lines (bench/net/peers/netstack).
 */
import { fileURLToPath } from "node:url";
import { findProgram } from "../../../test/e2e/support/requirements.ts";
import { type RuntimeName, runtimeCommand } from "../../runtimes.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PEERS = here("../../../.runtimes/peers/");

/** Where ours also takes SOCKS5. */
export const SOCKS = "127.0.0.1:1080";

export interface Settings {
  /** Base64. */
  readonly privateKey: string;
  readonly publicKey: string;
  readonly address: string;
  readonly endpoint: string;
  /** Where to listen, and where that leads. */
  readonly local: string;
  readonly remote: string;
  readonly mtu: number;
}

export interface Client {
  readonly name: string;
  readonly kind: "ours" | "theirs";
  readonly argv: (settings: Settings) => readonly string[];
  /** For its standard input. */
  readonly input: (settings: Settings) => string;
}

function ours(runtime: RuntimeName, name: string): Client {
  return {
    name,
    kind: "ours",
    argv: () => [...runtimeCommand(runtime), here("../../../bin/wasmguard.js"), "proxy", "-"],
    input: (s) => `[Interface]
PrivateKey = ${s.privateKey}
Address = ${s.address}/32
MTU = ${s.mtu}

[Peer]
PublicKey = ${s.publicKey}
AllowedIPs = 0.0.0.0/0
Endpoint = ${s.endpoint}

[TCPClientTunnel]
BindAddress = ${s.local}
Target = ${s.remote}

[Socks5]
BindAddress = ${SOCKS}
`,
  };
}

const onetun: Client = {
  name: "onetun",
  kind: "theirs",
  argv: (s) => [
    `${PEERS}onetun`,
    `${s.local}:${s.remote}`,
    ...["--endpoint-addr", s.endpoint, "--endpoint-public-key", s.publicKey, "--private-key", s.privateKey],
    ...["--source-peer-ip", s.address, "--max-transmission-unit", `${s.mtu}`, "--log", "warn"],
  ],
  input: () => "",
};

const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex");

const netstack: Client = {
  name: "wireguard-go netstack",
  kind: "theirs",
  argv: (s) => [`${PEERS}netstack-forward`, s.local, s.remote],
  input: (s) =>
    [
      `address=${s.address}`,
      `mtu=${s.mtu}`,
      `private_key=${hex(s.privateKey)}`,
      `public_key=${hex(s.publicKey)}`,
      `endpoint=${s.endpoint}`,
      "allowed_ip=0.0.0.0/0",
      "",
    ].join("\n"),
};

/** Ours, and those that scripts/install-peers.sh has built. */
export function installedClients(): Client[] {
  const theirs = [onetun, netstack].filter(({ argv }) => findProgram(argv(NOTHING)[0]!) !== undefined);
  return [ours("node26", "wasmguard proxy, Node 26"), ...theirs];
}

const NOTHING: Settings = { privateKey: "", publicKey: "", address: "", endpoint: "", local: "", remote: "", mtu: 0 };
