/** `first.ts JSON`: milliseconds from `Device.create` to the first packet at the other end, two devices of one process. The first time counts. */
import { pathToFileURL } from "node:url";
import type { FirstOptions } from "./options.ts";
import { packetOf } from "./packet.ts";

const { root, driver } = JSON.parse(process.argv[2]!) as FirstOptions;
const entry = pathToFileURL(`${root}/dist/host/index.js`).href;
const { Device, generatePrivateKey, tunPair } = (await import(entry)) as typeof import("../../host/index.ts");

const began = performance.now();
const ends = await Promise.all(
  [0, 1].map(async () => {
    const [tun, host] = tunPair();
    const device = await Device.create({ privateKey: generatePrivateKey(), tun, driver });
    await device.start();
    return { device, host };
  }),
);
const [near, far] = ends as [(typeof ends)[0], (typeof ends)[0]];
const endpoint = `127.0.0.1:${far.device.listenPort}`;
near.device.addPeer({ publicKey: far.device.publicKey, endpoint, allowedIps: ["10.0.0.2"] });
far.device.addPeer({ publicKey: near.device.publicKey, allowedIps: ["10.0.0.1"] });
near.host.write(packetOf(1, 2, 100));
await far.host[Symbol.asyncIterator]().next();
console.log(JSON.stringify(performance.now() - began));
process.exit(0);
