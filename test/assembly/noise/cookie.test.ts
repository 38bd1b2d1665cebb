import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { cookieOf, mac2, openCookieReply, sealCookieReply } from "../../reference/noise.ts";
import { BUILDS, type Build, type Core, dropped, loadDevice } from "./core.ts";
import { initiate, loadPair, PEER, random32, referenceInitiation, respond, SECONDS } from "./pairs.ts";

const IPV4 = { address: Uint8Array.of(192, 0, 2, 7), port: 51820 };
const IPV6 = { address: Uint8Array.from({ length: 16 }, (_, i) => 0x20 + i), port: 443 };
const mac1Of = (message: Uint8Array) => message.subarray(message.length - 32, message.length - 16);

/** A cookie reply that must come off. @returns it, and the secret it set if one was due */
function cookieReply(core: Core, message: Uint8Array, source = IPV4, now = 1000) {
  const random = core.fillRandom();
  const reply = core.createCookieReply(message, source, now);
  if (!reply) throw new Error("no cookie reply was made");
  return { reply, secret: random.slice(0, 32), nonce: random.slice(abi.RANDOM_NONCE, abi.RANDOM_NONCE + 24) };
}

/** The same message again, with the mac2 that the cookie allows. */
function withCookie(message: Uint8Array, cookie: Uint8Array): Uint8Array {
  const stamped = Uint8Array.from(message);
  stamped.set(mac2(cookie, message.subarray(0, message.length - 16)), message.length - 16);
  return stamped;
}

describe.each(Object.keys(BUILDS) as Build[])("cookies (%s)", (build) => {
  it("mac1 alone before a cookie, mac1 and mac2 after", async () => {
    const [a, b] = await Promise.all([loadDevice(build), loadDevice(build)]);
    a.core.addPeer(PEER, b.publicKey);
    b.core.addPeer(PEER, a.publicKey);
    const first = initiate(a.core).message;
    expect(b.core.checkMac1(first)).toBe(true);
    expect(b.core.checkMac2(first, IPV4)).toBe(false);
    const { reply } = cookieReply(b.core, first);
    expect(reply.length).toBe(abi.COOKIE_REPLY_BYTES);
    expect(b.core.checkMac2(first, IPV4), "the old message is worth no more than before").toBe(false);
    expect(a.core.consumeCookieReply(reply, 1500)).toBe(PEER);
    const second = initiate(a.core, { seconds: SECONDS + 5, now: 6000 }).message;
    expect(b.core.checkMac1(second)).toBe(true);
    expect(b.core.checkMac2(second, IPV4, 6000)).toBe(true);
    // The response of the other side carries none: it holds no cookie of ours.
    expect(b.core.consumeInitiation(second, 6000)).toBe(PEER);
    const { message: response } = respond(b.core, 6000);
    expect(a.core.checkMac1(response)).toBe(true);
    expect(a.core.checkMac2(response, IPV4, 6000)).toBe(false);
  });

  it("replies and macs are those of the reference", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    for (const [source, now] of [
      [IPV4, 1000],
      [IPV6, 121_000],
    ] as const) {
      const { message } = referenceInitiation(pair);
      const { reply, secret, nonce } = cookieReply(core, message, source, now);
      expect(Buffer.from(reply.subarray(0, 8)).toString("hex")).toBe("0300000004030201");
      expect(reply.subarray(8, 32)).toEqual(nonce);
      const cookie = openCookieReply(pair.publicKey, reply, mac1Of(message));
      expect(cookie).toEqual(cookieOf(secret, source.address, source.port));
      expect(core.checkMac2(withCookie(message, cookie), source, now)).toBe(true);
    }
    const { message } = initiate(core);
    const cookie = random32().subarray(0, 16);
    const reply = sealCookieReply(
      pair.peerPublicKey,
      core.localIndex(PEER),
      cookie,
      random32().subarray(0, 24),
      mac1Of(message),
    );
    expect(core.consumeCookieReply(reply)).toBe(PEER);
    const { message: next } = initiate(core, { seconds: SECONDS + 5 });
    expect(next.subarray(132)).toEqual(mac2(cookie, next.subarray(0, 132)));
    expect(core.consumeInitiation(referenceInitiation(pair).message)).toBe(PEER);
    const { message: response } = respond(core);
    expect(response.subarray(76)).toEqual(mac2(cookie, response.subarray(0, 76)));
  });

  it("a cookie is worth nothing from another address, port or family, but the IPv6 zone does not count", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    for (const source of [IPV4, IPV6]) {
      const { reply } = cookieReply(core, message, source);
      const stamped = withCookie(message, openCookieReply(pair.publicKey, reply, mac1Of(message)));
      expect(core.checkMac2(stamped, source)).toBe(true);
      expect(core.checkMac2(stamped, { ...source, scope: 3 })).toBe(true);
      for (let byte = 0; byte < source.address.length; byte++) {
        const address = Uint8Array.from(source.address);
        address[byte] = address[byte]! ^ 1;
        expect(core.checkMac2(stamped, { ...source, address })).toBe(false);
      }
      expect(core.checkMac2(stamped, { ...source, port: source.port ^ 1 })).toBe(false);
      expect(core.checkMac2(stamped, { ...source, port: source.port ^ 256 })).toBe(false);
    }
    const none = { address: new Uint8Array(), port: 1 };
    expect(core.checkMac2(message, none)).toBe(false);
    core.fillRandom();
    expect(core.createCookieReply(message, none)).toBeNull();
  });

  it("any changed byte spoils mac2", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    const { reply } = cookieReply(core, message);
    const stamped = withCookie(message, openCookieReply(pair.publicKey, reply, mac1Of(message)));
    for (let byte = 0; byte < stamped.length; byte++) {
      const forged = Uint8Array.from(stamped);
      forged[byte] = forged[byte]! ^ 0x80;
      expect(core.checkMac2(forged, IPV4), `byte ${byte}`).toBe(false);
    }
  });

  it("the secret lasts 120 s and then changes with the next reply", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    const first = cookieReply(core, message, IPV4, 1000);
    const cookie = openCookieReply(pair.publicKey, first.reply, mac1Of(message));
    const stamped = withCookie(message, cookie);
    const again = cookieReply(core, message, IPV4, 120_999);
    expect(openCookieReply(pair.publicKey, again.reply, mac1Of(message)), "the same secret").toEqual(cookie);
    expect(core.occurrences(again.secret)).toBe(0);
    expect(core.checkMac2(stamped, IPV4, 120_999)).toBe(true);
    expect(core.checkMac2(stamped, IPV4, 121_000)).toBe(false);
    const rotated = cookieReply(core, message, IPV4, 121_000);
    expect(openCookieReply(pair.publicKey, rotated.reply, mac1Of(message))).toEqual(
      cookieOf(rotated.secret, IPV4.address, IPV4.port),
    );
    expect(core.occurrences(first.secret)).toBe(0);
    expect(core.checkMac2(stamped, IPV4, 121_000)).toBe(false);
  });

  it("a cookie received is used for less than 115 s, then wiped", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = initiate(core);
    const cookie = random32().subarray(0, 16);
    const reply = sealCookieReply(
      pair.peerPublicKey,
      core.localIndex(PEER),
      cookie,
      random32().subarray(0, 24),
      mac1Of(message),
    );
    expect(core.consumeCookieReply(reply, 2000)).toBe(PEER);
    const inTime = initiate(core, { seconds: SECONDS + 1, now: 116_999 }).message;
    expect(inTime.subarray(132)).toEqual(mac2(cookie, inTime.subarray(0, 132)));
    const late = initiate(core, { seconds: SECONDS + 2, now: 117_000 }).message;
    expect(late.subarray(132)).toEqual(new Uint8Array(16));
    expect(core.occurrences(cookie)).toBe(0);
  });

  it("a message fetches one cookie, also after its session began", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    expect(core.consumeInitiation(referenceInitiation(pair).message)).toBe(PEER);
    const { message } = respond(core);
    core.beginSession(PEER);
    const index = core.session(PEER, abi.PEER_NEXT)!.localIndex;
    const seal = (mac = mac1Of(message)) =>
      sealCookieReply(pair.peerPublicKey, index, random32().subarray(0, 16), random32().subarray(0, 24), mac);
    expect(core.consumeCookieReply(seal())).toBe(PEER);
    const before = core.snapshot();
    expect(core.consumeCookieReply(seal())).toBe(dropped(abi.DROP_COOKIE));
    expect(core.consumeCookieReply(seal(new Uint8Array(16))), "for no message").toBe(dropped(abi.DROP_COOKIE));
    expect(before.equals(core.bytes)).toBe(true);
  });

  it("refuses replies that are forged, misdirected or not awaited", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = initiate(core);
    const index = core.localIndex(PEER);
    const cookie = random32().subarray(0, 16);
    const nonce = random32().subarray(0, 24);
    const reply = sealCookieReply(pair.peerPublicKey, index, cookie, nonce, mac1Of(message));
    const otherMac1 = sealCookieReply(pair.peerPublicKey, index, cookie, nonce, random32().subarray(0, 16));
    const otherOwner = sealCookieReply(pair.publicKey, index, cookie, nonce, mac1Of(message));
    const before = core.snapshot();
    expect(core.consumeCookieReply(otherMac1)).toBe(dropped(abi.DROP_COOKIE));
    expect(core.consumeCookieReply(otherOwner)).toBe(dropped(abi.DROP_COOKIE));
    for (let byte = 4; byte < reply.length; byte++) {
      const forged = Uint8Array.from(reply);
      forged[byte] = forged[byte]! ^ 4;
      const reason = byte < 8 ? abi.DROP_INDEX : abi.DROP_COOKIE;
      expect(core.consumeCookieReply(forged), `byte ${byte}`).toBe(dropped(reason));
    }
    expect(before.equals(core.bytes), "memory as before").toBe(true);
    expect(core.consumeCookieReply(reply)).toBe(PEER);
  });

  it("makes no reply without identity or without fresh random bytes", async () => {
    const pair = await loadPair(build);
    const { core } = pair;
    const { message } = referenceInitiation(pair);
    cookieReply(core, message);
    expect(core.createCookieReply(message, IPV4)).toBeNull();
    core.setPrivateKey(new Uint8Array(32));
    core.fillRandom();
    expect(core.createCookieReply(message, IPV4)).toBeNull();
  });
});
