/** What carries packets between the two ends of a measurement. */
export interface Link {
  /** What the other end has to know. */
  readonly own: Acquaintance;
  /** Once, before packets; `receive` is called for each that comes. */
  meet(other: Acquaintance, receive: (packet: Uint8Array) => void): void | Promise<void>;
  /** @param packet may be used again after the next `flush` @returns false when it was dropped */
  write(packet: Uint8Array): boolean;
  /** Nothing more is written for now. */
  flush(): void;
  close(): Promise<void>;
}

export interface Acquaintance {
  /** Empty where nobody has one. */
  readonly publicKey: string;
  readonly port: number;
}
