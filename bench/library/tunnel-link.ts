/** The library between the ends: a Device, and a program at the other end of its Tun. */
import { pathToFileURL } from "node:url";
import type { Link } from "./link.ts";
import type { EndOptions } from "./options.ts";

/** @param queuePackets that may wait in the Tun */
export async function tunnelLink({ root, role, contestant }: EndOptions, queuePackets: number): Promise<Link> {
  const entry = pathToFileURL(`${root}/dist/host/index.js`).href;
  const { Device, generatePrivateKey, formatPublicKey, tunPair } = (await import(
    entry
  )) as typeof import("../../host/index.ts");
  const sends = role === "sender";
  const [tun, host] = tunPair({ queuePackets });
  const driver = contestant === "portable" || contestant === "ffi" ? { driver: contestant } : {};
  const device = await Device.create({ privateKey: generatePrivateKey(), tun, ...driver });
  await device.start();
  return {
    own: { publicKey: formatPublicKey(device.publicKey), port: device.listenPort },
    meet({ publicKey, port }, receive) {
      const endpoint = sends ? { endpoint: `127.0.0.1:${port}` } : {};
      device.addPeer({ publicKey, allowedIps: [`10.0.0.${sends ? 2 : 1}`], ...endpoint });
      host.open({ failed: (cause) => console.error(cause), receive });
    },
    write: (packet) => host.write(packet),
    flush() {},
    close: async () => void (await device.close()),
  };
}
