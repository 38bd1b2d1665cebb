/** `memory.ts JSON`: started devices in one process, and its resident memory after the first so and so many. */
import { pathToFileURL } from "node:url";
import type { MemoryOptions } from "./options.ts";

const { root, driver, counts } = JSON.parse(process.argv[2]!) as MemoryOptions;
const entry = pathToFileURL(`${root}/dist/host/index.js`).href;
const { Device, generatePrivateKey, tunPair } = (await import(entry)) as typeof import("../../host/index.ts");

const megabytes: Record<number, number> = { 0: process.memoryUsage.rss() / 1e6 };
const devices: object[] = [];
for (const count of counts) {
  while (devices.length < count) {
    const device = await Device.create({ privateKey: generatePrivateKey(), tun: tunPair()[0], driver });
    await device.start();
    devices.push(device);
  }
  megabytes[count] = process.memoryUsage.rss() / 1e6;
}
console.log(JSON.stringify(megabytes));
process.exit(0);
