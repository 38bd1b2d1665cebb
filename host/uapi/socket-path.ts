/** Where the UAPI socket of an interface is: where `wg` looks for it, or where the user wants it. */
const SOCKET_FOLDER = "/var/run/wireguard";
export const SOCKET_FOLDER_VARIABLE = "WASMGUARD_SOCKET_DIR";
export const SOCKET_SUFFIX = ".sock";

export function socketFolder(): string {
  return process.env[SOCKET_FOLDER_VARIABLE] || SOCKET_FOLDER;
}

export function socketPath(interfaceName: string): string {
  return `${socketFolder()}/${interfaceName}${SOCKET_SUFFIX}`;
}
