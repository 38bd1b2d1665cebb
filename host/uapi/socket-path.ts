/** Where the UAPI socket of an interface is: where `wg` looks for it, or where the user wants it. On Windows it is a pipe. */
import { tunnelsHavePipes } from "../platform.ts";

const SOCKET_FOLDER = "/var/run/wireguard";
export const SOCKET_FOLDER_VARIABLE = "WASMGUARD_SOCKET_DIR";
export const SOCKET_SUFFIX = ".sock";

/** What names of pipes start with, as the system lists them. Only administrators can make those of the second part. */
export const PIPES = "\\\\.\\pipe\\";
export const TUNNEL_PIPES = "ProtectedPrefix\\Administrators\\WireGuard\\";

export function socketFolder(): string {
  return process.env[SOCKET_FOLDER_VARIABLE] || SOCKET_FOLDER;
}

export function socketPath(interfaceName: string): string {
  if (tunnelsHavePipes()) return `${PIPES}${TUNNEL_PIPES}${interfaceName}`;
  return `${socketFolder()}/${interfaceName}${SOCKET_SUFFIX}`;
}
