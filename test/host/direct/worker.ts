/** On a worker thread: what comes of drivers there. */
import { parentPort } from "node:worker_threads";
import { Device, generatePrivateKey, tunPair } from "../../../host/index.ts";

const make = (driver: "auto" | "ffi") => Device.create({ privateKey: generatePrivateKey(), tun: tunPair()[0], driver });

const asked = await make("ffi").catch((error) => error.code);
const device = await make("auto");
parentPort!.postMessage({ asked, auto: device.statistics().driver });
await device.close();
