/** One Bind and one Tun in more than one device: one at a time, and the others leave it alone. */
import { afterEach, describe, expect, it } from "vitest";
import { type Bind, Device, DgramBind, generatePrivateKey, type Tun, tunPair } from "../../../host/index.ts";
import { MemoryBind, settle } from "./memory-bind.ts";
import { LOOPBACK, SMALL } from "./support.ts";

let open: Device[] = [];
afterEach(async () => {
  for (const device of open) await device.close();
  open = [];
});

async function make(options: { bind?: Bind; tun?: Tun }): Promise<Device> {
  const privateKey = generatePrivateKey();
  const device = await Device.create({
    privateKey,
    tun: tunPair()[0],
    bind: new MemoryBind(),
    limits: SMALL,
    ...options,
  });
  open.push(device);
  return device;
}

class MemoryTun implements Tun {
  opened = 0;
  closed = 0;
  open(): void {
    this.opened += 1;
  }
  write(): boolean {
    return true;
  }
  close(): void {
    this.closed += 1;
  }
}

const IN_USE = {
  name: "InUseError",
  code: "IN_USE",
  nextStep: expect.stringMatching(/^Make a (Bind|Tun) for each device\.$/),
};

describe("a second device", () => {
  it("is refused the Bind of the first, and takes nothing from it", async () => {
    const [bind, tun] = [new MemoryBind(), new MemoryTun()];
    const first = await make({ bind });
    await first.start();
    const { events } = bind;
    const second = await make({ bind, tun });
    await expect(second.start()).rejects.toMatchObject(IN_USE);
    await second.close();
    expect([bind.events, bind.closed, tun.opened, tun.closed]).toEqual([events, 0, 0, 1]);
  });

  it("is refused the Tun of the first, and its own Bind is free again", async () => {
    const [bind, tun] = [new MemoryBind(), new MemoryTun()];
    const first = await make({ tun });
    await first.start();
    const second = await make({ bind, tun });
    await expect(second.start()).rejects.toMatchObject(IN_USE);
    expect([tun.opened, bind.closed]).toEqual([1, 1]);
    const third = await make({ bind });
    await third.start();
    await second.close();
    expect([tun.closed, bind.closed]).toEqual([0, 1]);
  });

  it("has both once the first is closed, at once and while that lasts", async () => {
    const [bind, tun] = [new DgramBind(LOOPBACK), new MemoryTun()];
    const first = await make({ bind, tun });
    const second = await make({ bind, tun });
    await first.start();
    await expect(second.start()).rejects.toMatchObject(IN_USE);
    const closed = first.close();
    await second.start();
    await closed;
    expect(tun.opened).toBe(2);
    expect(await bind.move(0)).toBeGreaterThan(0);
  });

  it("has them after a start that failed", async () => {
    const [bind, tun] = [new MemoryBind(), new MemoryTun()];
    tun.open = () => {
      throw new Error("not yet");
    };
    const first = await make({ bind, tun });
    await expect(first.start()).rejects.toMatchObject({ code: "TUN" });
    Reflect.deleteProperty(tun, "open");
    const second = await make({ bind, tun });
    await second.start();
    await expect(first.start()).rejects.toMatchObject(IN_USE);
  });

  it("has them where the first was closed while it opened them", async () => {
    const bind = new MemoryBind();
    const tun = new MemoryTun();
    let answer = (_port: number): void => {};
    const slow: Bind = Object.assign(bind, {
      open: () =>
        new Promise<number>((resolve) => {
          answer = resolve;
        }),
    });
    const first = await make({ bind: slow, tun });
    const started = first.start();
    await settle(1);
    await first.close();
    answer(4000);
    await expect(started).rejects.toMatchObject({ code: "CLOSED" });
    Reflect.deleteProperty(bind, "open");
    await (await make({ bind, tun })).start();
  });

  it("has a Bind that the first reopened while it was closed", async () => {
    const bind = new MemoryBind();
    const first = await make({ bind });
    await first.start();
    let goOn = (): void => {};
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    Object.assign(bind, { close: () => slow });
    const moved = first.listen(4001);
    await settle(1);
    const closed = first.close();
    goOn();
    await expect(moved).rejects.toMatchObject({ code: "CLOSED" });
    await closed;
    await (await make({ bind })).start();
  });

  it("keeps neither of the first's from holding the process, until it has them itself", async () => {
    const { calls, bind, tun } = noting();
    const first = await make({ bind, tun });
    await first.start();
    const second = await make({ bind, tun });
    expect(calls.splice(0)).toEqual(["bind open", "tun open"]);
    second.unref();
    expect(calls).toEqual([]);
    first.ref();
    expect(calls.splice(0)).toEqual(["bind ref", "tun ref"]);
    await first.close();
    first.ref();
    expect(calls).toEqual([]);
    await second.start();
    expect(calls).toEqual(around("unref"));
  });

  it("holds it with what the first let go, from before the opening, and says so once", async () => {
    const { calls, bind, tun } = noting();
    const first = await make({ bind, tun });
    await first.start();
    first.unref();
    await first.close();
    const second = await make({ bind, tun });
    calls.length = 0;
    await second.start();
    expect(calls.splice(0)).toEqual(around("ref"));
    await second.listen(4001);
    await second.close();
    await (await make({ bind, tun })).start();
    expect(calls).toEqual(["bind open", "bind open", "tun open"]);
  });

  it("holds it with what the first let go where it is told to before it has them", async () => {
    const { calls, bind, tun } = noting();
    const first = await make({ bind, tun });
    await first.start();
    first.unref();
    const second = await make({ bind, tun });
    second.ref();
    await first.close();
    calls.length = 0;
    await second.start();
    expect(calls).toEqual(around("ref"));
  });

  it("holds it with what one let go that could not open it", async () => {
    const { calls, bind, tun } = noting();
    const first = await make({ bind, tun });
    await first.start();
    const second = await make({ bind, tun });
    second.unref();
    await first.close();
    const opens = bind.open;
    bind.open = () => {
      throw new Error("not now");
    };
    await expect(second.start()).rejects.toMatchObject({ code: "BIND" });
    bind.open = opens;
    calls.length = 0;
    await (await make({ bind, tun })).start();
    expect(calls).toEqual(["bind ref", "bind open", "bind ref", "tun open"]);
  });
});

/** What is said and done to a Bind and a Tun. */
function noting() {
  const calls: string[] = [];
  const note = (call: string) => () => void calls.push(call);
  const [bind, tun] = [new MemoryBind(), new MemoryTun()];
  const opens = bind.open.bind(bind);
  return {
    calls,
    bind: Object.assign(bind, {
      ref: note("bind ref"),
      unref: note("bind unref"),
      open: (...given: Parameters<typeof opens>) => {
        calls.push("bind open");
        return opens(...given);
      },
    }),
    tun: Object.assign(tun, { ref: note("tun ref"), unref: note("tun unref"), open: note("tun open") }),
  };
}

const around = (refs: "ref" | "unref"): string[] =>
  ["bind", "tun"].flatMap((part) => [`${part} ${refs}`, `${part} open`, `${part} ${refs}`]);
