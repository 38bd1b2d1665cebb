/** The options of `wasmguard proxy`, in one table for the parser and the help. */
import type { OptionRow } from "../option-table.ts";

export const PROXY_OPTIONS = {
  socks: { short: "s", value: "[HOST:]PORT", many: true, help: "SOCKS5 proxy there (CONNECT, UDP ASSOCIATE)" },
  http: { short: "H", value: "[HOST:]PORT", many: true, help: "HTTP proxy there (CONNECT and plain requests)" },
  sni: { value: "[HOST:]PORT", many: true, help: "pass TLS connections to the host that they name, port 443" },
  local: {
    short: "L",
    value: "[HOST:]PORT:TARGET:PORT",
    many: true,
    help: "forward a TCP port of this machine to a target inside",
  },
  remote: { short: "R", value: "PORT:TARGET:PORT", many: true, help: "forward a TCP port inside to a target out here" },
  "udp-local": { short: "U", value: "[HOST:]PORT:TARGET:PORT", many: true, help: "as --local, for UDP" },
  "udp-remote": { value: "PORT:TARGET:PORT", many: true, help: "as --remote, for UDP" },
  stdio: {
    short: "W",
    value: "TARGET:PORT",
    help: "join standard input and output to a target inside (ProxyCommand of ssh)",
  },
  user: { value: "NAME", help: "clients of --socks and --http must log in as NAME" },
  "password-file": { value: "FILE", help: "with the password in the first line of FILE" },
  "tls-cert": { value: "FILE", help: "clients reach --http over TLS with this certificate (PEM)" },
  "tls-key": { value: "FILE", help: "and this key" },
  "open-to-all": { help: "allow proxies without a login on addresses other than loopback" },
  resolve: { value: "auto|ipv4|ipv6", help: "which family to prefer where a name has both (auto)" },
  idle: { value: "SECONDS", help: "reset connections without a byte for so long; 0: never (3600)" },
  connections: { value: "N", help: "most connections at a time (1024)" },
  drain: { value: "SECONDS", help: "how long open connections may take to end after SIGTERM (10)" },
  info: { short: "i", value: "[HOST:]PORT", help: "serve /metrics and /readyz there" },
  web: { value: "[HOST:]PORT", help: "serve a page about the tunnel there; its address is printed" },
  pcap: { value: "FILE", help: "write what passes the tunnel, decrypted, for Wireshark" },
  status: { help: "show peers, rates and connections in the terminal while it runs" },
  configtest: { short: "n", help: "check the configuration and end" },
  silent: { help: "print errors only" },
  verbose: { short: "v", help: "print who went where" },
} as const satisfies Record<string, OptionRow>;
