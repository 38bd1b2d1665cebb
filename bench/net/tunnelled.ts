/** Two stacks, each the inside of a device, in one process: everything but the system's sockets. */
import { Device, generatePrivateKey, publicKeyOf } from "../../host/index.ts";
import { StackTun } from "../../host/library/stack-tun.ts";
import { IpAddress } from "../../host/net/address.ts";
import { Bulk, Meter, type Speed } from "./bulk.ts";
import { MemoryBind } from "./memory-bind.ts";

const WARM_UP = 1;

export async function tunnelled(seconds: number): Promise<Speed> {
  const binds = [new MemoryBind(1), new MemoryBind(2)] as const;
  MemoryBind.join(...binds);
  const keys = [await generatePrivateKey(), await generatePrivateKey()] as const;
  const tuns = (["10.0.0.1", "10.0.0.2"] as const).map(
    (address) => new StackTun({ addresses: [IpAddress.parse(address)!] }),
  ) as [StackTun, StackTun];
  const devices = await Promise.all(
    ([0, 1] as const).map(async (i) =>
      Device.create({
        privateKey: keys[i],
        tun: tuns[i],
        bind: binds[i],
        peers: [
          {
            publicKey: await publicKeyOf(keys[1 - i]!),
            endpoint: `192.0.2.${2 - i}:51820`,
            allowedIps: [`10.0.0.${2 - i}/32`],
          },
        ],
      }),
    ),
  );
  await Promise.all(devices.map((device) => device.start()));
  const bulk = new Bulk(tuns[0].stack, tuns[1].stack, "10.0.0.2");
  const wait = (s: number) => new Promise((resolve) => setTimeout(resolve, 1000 * s));
  await wait(WARM_UP);
  const meter = new Meter(bulk.bytes);
  await wait(seconds);
  const speed = meter.speed(bulk.bytes);
  if (process.env.VERBOSE !== undefined) console.error(bulk.stream.statistics());
  await Promise.all(devices.map((device) => device.close()));
  return speed;
}
