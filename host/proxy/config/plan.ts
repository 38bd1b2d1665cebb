/** What one proxy process is to do: the tunnel, and the services that lead into it. Read from a file, from flags, or both. */
import type { Settings } from "../../config/settings.ts";
import { isLoopback } from "../local-name.ts";
import type { Target } from "../way.ts";

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export type Service =
  | { readonly kind: "socks5"; readonly bind: Target; readonly credentials?: Credentials }
  | {
      readonly kind: "http";
      readonly bind: Target;
      readonly credentials?: Credentials;
      /** Paths of PEM files: with them the proxy itself is reached over TLS. */
      readonly tls?: { readonly certFile: string; readonly keyFile: string };
    }
  | { readonly kind: "sni"; readonly bind: Target }
  /** A local port to a target inside. */
  | { readonly kind: "tcp-out"; readonly bind: Target; readonly target: Target }
  /** A port inside to a target of this machine's own network. */
  | { readonly kind: "tcp-in"; readonly port: number; readonly target: Target }
  | { readonly kind: "udp-out"; readonly bind: Target; readonly target: Target; readonly idleMs: number }
  | { readonly kind: "udp-in"; readonly port: number; readonly target: Target; readonly idleMs: number }
  | { readonly kind: "stdio"; readonly target: Target };

/** Which family to prefer where a name has both; "auto": the families that the tunnel has addresses of, IPv6 first. */
export type ResolveStrategy = "auto" | "ipv4" | "ipv6";

export interface Plan {
  readonly tunnel: Settings;
  readonly services: readonly Service[];
  readonly resolve: ResolveStrategy;
  /** Addresses inside that are pinged, and how often. */
  readonly checkAlive: readonly string[];
  readonly checkAliveMs: number;
  /** What the file says that has no meaning here, a line each. */
  readonly remarks: readonly string[];
}

/** Whether strangers who reach this listener could send anywhere through the tunnel. */
export function isOpenToAll(service: Service): boolean {
  if (service.kind !== "socks5" && service.kind !== "http" && service.kind !== "sni") return false;
  return !isLoopback(service.bind.host) && !("credentials" in service && service.credentials !== undefined);
}
