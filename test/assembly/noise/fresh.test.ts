// Initiations that wait have tables made of their ephemeral keys, which their answers are computed with: the initiators take these.
import { describe, expect, it } from "vitest";
import { cpuFlags } from "../../../host/os/linux/cpu-flags.ts";
import { machine } from "../../../host/platform.ts";
import { publicKeyOf, ReferenceInitiator, timestamp } from "../../reference/noise.ts";
import { BUILDS, type Build, loadDevice } from "./core.ts";
import { random32, SECONDS } from "./pairs.ts";

const PEERS = [1, 2, 4, 6] as const;
const fuses = machine() === "aarch64" || cpuFlags().has("fma");
const EPHEMERAL = 8;

async function load(build: Build, threads = 2) {
  const { core, publicKey } = await loadDevice(build, threads);
  const waiting = PEERS.map((peer) => {
    const privateKey = random32();
    core.addPeer(peer, publicKeyOf(privateKey));
    const initiator = new ReferenceInitiator(privateKey, publicKey);
    const times = timestamp(SECONDS, 0);
    return { initiator, message: initiator.createInitiation(times, { ephemeral: random32(), senderIndex: peer }) };
  });
  return {
    core,
    messages: waiting.map(({ message }) => message),
    tables: (one: number, other: number) => core.exports.freshOf(one, other) !== 0,
    answer: (one: number, other: number) => {
      core.fillRandom();
      expect(core.answerAhead(one, other)).toBe(true);
      for (const peer of [one, other])
        waiting[PEERS.indexOf(peer as (typeof PEERS)[number])]!.initiator.consumeResponse(core.createResponse(peer)!);
    },
  };
}

describe.each(Object.keys(BUILDS) as Build[])("tables of ephemeral keys (%s)", (build) => {
  const expected = build === "relaxed" && fuses;

  it.each(["no", "tables of"])("of four, with %s static keys", async (combs) => {
    const { core, messages, tables, answer } = await load(build);
    if (combs !== "no") for (const peer of [1, 4]) core.makeCombs(peer, peer === 1 ? 2 : 6);
    expect(core.agreeAhead(...messages)).toBe(4);
    expect(messages.map((message) => core.consumeInitiation(message))).toEqual([...PEERS]);
    expect([tables(1, 2), tables(4, 6)]).toEqual([expected, expected]);
    expect([tables(2, 1), tables(2, 4), tables(1, 6)]).toEqual([false, false, false]);
    answer(1, 2);
    answer(4, 6);
    core.exports.forgetAgreed();
    expect([tables(1, 2), tables(4, 6)]).toEqual([false, false]);
  });

  it("of two, and pairs that are answered together but were not taken together", async () => {
    const { core, messages, tables, answer } = await load(build);
    expect(core.agreeAhead(...messages.slice(0, 3))).toBe(2);
    for (const message of messages) core.consumeInitiation(message);
    expect([tables(1, 2), tables(4, 6)]).toEqual([expected, false]);
    answer(2, 4);
    answer(1, 6);
  });

  it("not of keys that have none, of which the others are none the worse", async () => {
    const { core, messages, tables, answer } = await load(build);
    const twisted = messages[0]!
      .slice()
      .fill(0, EPHEMERAL, EPHEMERAL + 32)
      .fill(2, EPHEMERAL, EPHEMERAL + 1);
    expect(core.agreeAhead(messages[1]!, twisted, messages[2]!, messages[3]!)).toBe(4);
    expect(core.consumeInitiation(twisted)).toBeLessThan(0);
    expect(messages.map((message) => core.consumeInitiation(message))).toEqual([...PEERS]);
    expect([tables(1, 2), tables(4, 6)]).toEqual([false, expected]);
    answer(1, 2);
    answer(4, 6);
  });

  it("not while they serve no answer, as where initiations are forged, but for one pair in 16", async () => {
    const { core, messages, tables } = await load(build);
    const forged = messages.map((message) => message.slice().fill(0, 40, 56));
    /** How many pairs it took until there were tables again. */
    const until = (): number => {
      for (let pairs = 1; pairs < 40; pairs++) {
        core.agreeAhead(messages[0]!, messages[1]!);
        const made = tables(1, 2);
        core.exports.forgetAgreed();
        if (made) return pairs;
      }
      return 40;
    };
    for (const message of messages) core.consumeInitiation(message);
    for (let i = 0; i < 4; i++) core.agreeAhead(...forged);
    for (const message of forged) expect(core.consumeInitiation(message)).toBeLessThan(0);
    core.exports.forgetAgreed();
    expect(until()).toBe(expected ? 16 : 40);
    // That it was asked for has earned two more.
    expect([until(), until()]).toEqual(expected ? [1, 1] : [40, 40]);
  });

  it("for as long as answers take them", async () => {
    const { core, messages, tables } = await load(build);
    const prepare = () => core.agreeAhead(messages[0]!, messages[1]!);
    prepare();
    for (const message of messages.slice(0, 2)) core.consumeInitiation(message);
    for (let round = 0; round < 12; round++) {
      prepare();
      core.fillRandom();
      expect(core.answerAhead(1, 2)).toBe(true);
      core.exports.forgetAnswers();
      core.exports.forgetAgreed();
    }
    prepare();
    expect(tables(1, 2)).toBe(expected);
  });

  it("not where there is one thread: no room is taken", async () => {
    const { core, messages, tables, answer } = await load(build, 1);
    core.agreeAhead(...messages);
    for (const message of messages) core.consumeInitiation(message);
    expect(tables(1, 2)).toBe(false);
    answer(1, 2);
    answer(4, 6);
  });
});
