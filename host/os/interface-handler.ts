/** Whoever follows the tunnel's own interface, and the network of the machine, tells this. */
export interface InterfaceHandler {
  cameUp(): void;
  wentDown(): void;
  mtu(bytes: number): void;
  /** Addresses, routes or links of the machine changed, and with them, perhaps, how peers are reached. */
  networkChanged(): void;
  gone(): void;
}
