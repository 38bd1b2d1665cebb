/** Binds and Tuns that call back at once, from inside the call that they got. */
import { expect, it } from "vitest";
import { Device, generatePrivateKey, publicKeyOf, type Tun, type TunEvents } from "../../../host/index.ts";
import { endpoint, MemoryBind, settle } from "./memory-bind.ts";
import { packet, SMALL } from "./support.ts";

/** Hands each datagram to the other before `send` returns. */
class DirectBind extends MemoryBind {
  far: DirectBind | undefined;
  from = endpoint(1);

  override send(bytes: Uint8Array): boolean {
    this.far?.events?.receive(bytes, this.from);
    return true;
  }
}

/** Answers each packet twice before `write` returns, as long as there is anything to answer. */
class EchoTun implements Tun {
  events: TunEvents | undefined;
  readonly got: Uint8Array[] = [];
  answers = 0;
  answer: Uint8Array = new Uint8Array();

  open(events: TunEvents): void {
    this.events = events;
  }
  write(bytes: Uint8Array): boolean {
    this.got.push(bytes);
    for (let i = 0; i < 2 && this.answers > 0; i++) {
      this.answers -= 1;
      this.events?.receive(this.answer);
    }
    return true;
  }
  close(): void {
    this.events = undefined;
  }
}

async function connect() {
  const keys = [generatePrivateKey(), generatePrivateKey()] as const;
  const ends = await Promise.all(
    [0, 1].map(async (i) => {
      const [tun, bind] = [new EchoTun(), new DirectBind()];
      bind.from = endpoint(i + 1);
      const peers = [
        { publicKey: publicKeyOf(keys[1 - i]!), allowedIps: [`10.0.0.${2 - i}`], endpoint: `192.0.2.1:${2 - i}` },
      ];
      const device = await Device.create({ privateKey: keys[i]!, tun, bind, peers, limits: SMALL });
      await device.start();
      return { device, tun, bind };
    }),
  );
  const [left, right] = ends as [(typeof ends)[0], (typeof ends)[0]];
  left.bind.far = right.bind;
  right.bind.far = left.bind;
  left.tun.answer = packet({ address: 1 }, { address: 2 }, new Uint8Array(30));
  right.tun.answer = packet({ address: 2 }, { address: 1 }, new Uint8Array(30));
  return { left, right };
}

it("answers that come at once are all carried, none twice", async () => {
  const { left, right } = await connect();
  left.tun.answers = 500;
  right.tun.answers = 500;
  left.tun.events?.receive(left.tun.answer);
  await expect.poll(() => left.tun.got.length + right.tun.got.length, { timeout: 5000 }).toBe(1001);
  for (const { device } of [left, right]) {
    const { drops } = device.statistics();
    expect(Object.entries(drops).filter(([, count]) => count > 0n)).toEqual([]);
  }
  await Promise.all([left.device.close(), right.device.close()]);
});

it("a device that is closed from inside its Tun ends there", async () => {
  const { left, right } = await connect();
  let closed: Promise<void> | undefined;
  right.tun.write = () => {
    closed ??= right.device.close();
    return true;
  };
  for (let i = 0; i < 5; i++) left.tun.events?.receive(left.tun.answer);
  await settle();
  expect(closed).toBeDefined();
  await closed;
  expect(() => right.device.statistics()).toThrow("closed");
  await left.device.close();
});
