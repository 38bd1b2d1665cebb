import { stripVTControlCharacters } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { LiveStatus } from "../../../host/proxy/live-status.ts";
import type { TunnelStatus } from "../../../host/web/status.ts";

function status(received: number, peers = 1): TunnelStatus {
  const peer = { endpoint: "192.0.2.1:51820", handshakeAgeSeconds: 70, received, sent: 0 };
  return {
    name: "office",
    version: "0",
    peers: Array.from({ length: peers }, (_, i) => ({ ...peer, publicKey: `${i}BCDEFGHIJKLMNOP=` })),
    drops: { "no-peer": 2, malformed: 1 },
    connections: { open: 3, accepted: 4, refused: 0 },
  };
}

function live(current: () => TunnelStatus, isTTY: boolean, columns = 200): { live: LiveStatus; written: string[] } {
  const written: string[] = [];
  const write = (text: unknown): boolean => written.push(String(text)) > 0;
  const shown = new LiveStatus(current, { write, isTTY, columns } as unknown as NodeJS.WriteStream & { fd: 1 });
  onTestFinished(() => shown.close());
  return { live: shown, written };
}

it("prints plain lines where there is no terminal", () => {
  const { live: shown, written } = live(() => status(4096), false);
  shown.show();
  expect(written[0]).toMatch(/^0BCDEFGHIJKL… {2}192\.0\.2\.1:51820 {2}handshake 1 min ago {2}in 0\.0 kbit\/s/);
  expect(written[0]).toMatch(/\(4\.0 KiB \/ 0 B\)\noffice: 3 connections open, 4 so far, 3 packets dropped\n$/);
  expect(written[0]).not.toContain("\x1b");
});

it("draws over its last lines on a terminal, cut to its width, and clears those of peers that have gone", () => {
  let peers = 3;
  const { live: shown, written } = live(() => status(0, peers), true, 40);
  shown.show();
  peers = 1;
  shown.show();
  expect(written[0]!.startsWith("0BCDE")).toBe(true);
  expect(written[1]!.startsWith("\x1b[4A0BCDE")).toBe(true);
  expect(written[1]!.endsWith("\x1b[K\n\x1b[K\n\x1b[2A")).toBe(true);
  for (const line of stripVTControlCharacters(written[1]!).split("\n")) expect(line.length).toBeLessThan(40);
});
