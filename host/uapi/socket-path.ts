/** Where the UAPI socket of an interface is: where `wg` looks for it. */
export const SOCKET_FOLDER = "/var/run/wireguard";
export const SOCKET_SUFFIX = ".sock";

export function socketPath(interfaceName: string): string {
  return `${SOCKET_FOLDER}/${interfaceName}${SOCKET_SUFFIX}`;
}
