/** Two networks of this process that know each other, joined by real UDP on loopback. */
import { onTestFinished } from "vitest";
import { provideSystem } from "../../host/event/system.ts";
import { nodeSystem } from "../../host/event/system-node.ts";
import { generatePrivateKey, publicKeyOf } from "../../host/library/device-keys.ts";
import { Network } from "../../host/network/network.ts";
import type { NetworkOptions } from "../../host/network/network-options.ts";

provideSystem(nodeSystem);

/** They are closed when the test is over. `far.internal` is the far one's name. */
export async function networks(
  near: Partial<NetworkOptions> = {},
  far: Partial<NetworkOptions> = {},
): Promise<{ near: Network; far: Network }> {
  const [ours, theirs] = [generatePrivateKey(), generatePrivateKey()];
  const server = await Network.create({
    privateKey: theirs,
    addresses: ["10.0.0.2/24", "fd00::2"],
    peers: [{ publicKey: publicKeyOf(ours), allowedIps: ["10.0.0.1/32", "fd00::1/128"] }],
    ...far,
  });
  onTestFinished(() => server.close());
  const client = await Network.create({
    privateKey: ours,
    addresses: ["10.0.0.1", "fd00::1"],
    hosts: { "far.internal": ["10.0.0.2", "fd00::2"] },
    peers: [
      {
        publicKey: server.publicKey,
        endpoint: `127.0.0.1:${server.listenPort}`,
        allowedIps: ["10.0.0.2/32", "fd00::2/128"],
      },
    ],
    ...near,
  });
  onTestFinished(() => client.close());
  return { near: client, far: server };
}
