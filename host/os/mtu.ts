/** Of a tunnel's interface when it is made, as wireguard-go sets it too: 1500 less the largest WireGuard overhead, 80. */
export const DEFAULT_MTU = 1420;
