// Transport messages sealed and opened with the kernel of eight blocks: against OpenSSL at every length, compiled as any other
// code, and to 256-bit instructions as the daemon has it.
import { createCipheriv } from "node:crypto";
import { describe, expect, it } from "vitest";
import { wideKernelBytes } from "../../../host/core/wide-kernel.ts";
import { compileKernel, obstacle } from "../../../host/daemon/wide-vectors.ts";
import { cpuFlags } from "../../../host/os/linux/cpu-flags.ts";
import { noise, same } from "../../support/bytes.ts";
import { type BrokenKernel, compile, NO_COUNTER, PacketModule } from "./packet/module.ts";

const TAG_BYTES = 16;
/** The longest that is opened eight blocks at a time, and one byte more. */
const LARGE = [4096, 8920, 9151, 9152, 9153, 16_384, 65_519];
const LENGTHS = [...Array.from({ length: 2049 }, (_, length) => length), ...LARGE];
const key = noise(32, 1);

/** Ciphertext and tag by OpenSSL, the nonce four zero bytes and the counter. */
function sealByOpenssl(plaintext: Uint8Array, counter: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter, true);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  return Uint8Array.from(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

const packets = await compile("entry");
const broken = await compile("broken-kernel");

/** A processor without AVX2 has the first alone; anything else in the way is a fault of the test's. */
const hasAvx2 = cpuFlags().has("avx2");

it("nothing but the processor keeps this process from 256 bits", () => {
  expect(obstacle({ hasAvx2: () => true })).toBeUndefined();
});

describe.each(["any other code", ...(hasAvx2 ? ["256-bit instructions"] : [])])(
  "eight blocks, compiled as %s",
  (how) => {
    const ours = how === "any other code";
    const kernel = async () => (ours ? WebAssembly.compile(await wideKernelBytes()) : compileKernel());

    it("is right, by its own check, which leaves nothing behind", async () => {
      const module = new PacketModule(packets);
      expect(module.check(module.bring(await kernel()).place)).toBe(true);
      expect(module.scratchIsWiped()).toBe(true);
    });

    it("seals and opens as OpenSSL does at every length, whatever comes before, and touches nothing beside", async () => {
      const module = new PacketModule(packets);
      expect(module.check(module.bring(await kernel()).place)).toBe(true);
      const { packetsBegin, sealPacket, packetsEnd, openPacket } = module.exports;
      // Up and down by turns: each length comes after a longer one and a shorter one, and before such.
      for (const [i, length] of LENGTHS.entries()) {
        module.reset();
        const messages = [length, LENGTHS[LENGTHS.length - 1 - i]!, length].map((bytes, n) => {
          const plaintext = noise(bytes, i + n);
          const at = module.place(bytes + TAG_BYTES, (bytes + 7 * n) % 16);
          module.bytes.set(plaintext, at);
          return { at, plaintext, counter: BigInt(3 * i + n), sealed: sealByOpenssl(plaintext, BigInt(3 * i + n)) };
        });
        const keyAt = module.put(key);
        packetsBegin(keyAt);
        for (const { at, plaintext, counter } of messages) sealPacket(at, at, plaintext.length, counter);
        packetsEnd();
        for (const { at, sealed } of messages) {
          if (!same(module.read(at, sealed.length), sealed)) throw new Error(`sealed ${length} bytes otherwise`);
          if (!module.guarded(at, sealed.length)) throw new Error(`wrote outside, sealing ${length} bytes`);
        }

        // The one in the middle is forged.
        module.bytes[messages[1]!.at + ((i * 31) % messages[1]!.sealed.length)]! ^= 1 << (i % 8);
        const forged = module.read(messages[1]!.at, messages[1]!.sealed.length);
        packetsBegin(keyAt);
        const opened = messages.map(({ at, plaintext, counter }, n) =>
          openPacket(at, at, plaintext.length, counter, n === 2 ? NO_COUNTER : counter + 1n),
        );
        packetsEnd();
        expect(opened, `opening ${length} bytes`).toEqual([1, 0, 1]);
        expect(same(module.read(messages[1]!.at, forged.length), forged)).toBe(true);
        for (const n of [0, 2]) {
          const { at, plaintext, sealed } = messages[n]!;
          if (!same(module.read(at, length), plaintext)) throw new Error(`opened ${length} bytes otherwise`);
          if (!module.guarded(at, sealed.length)) throw new Error(`wrote outside, opening ${length} bytes`);
        }
      }
      expect(module.scratchIsWiped()).toBe(true);
    });
  },
);

describe("the AEAD of transport messages", () => {
  async function withKernel(): Promise<PacketModule> {
    const module = new PacketModule(packets);
    expect(module.check(module.bring(await WebAssembly.compile(await wideKernelBytes())).place)).toBe(true);
    return module;
  }

  it("opens what it did not expect, and forgets what it expected with the key", async () => {
    const module = await withKernel();
    const { packetsBegin, packetsEnd, openPacket } = module.exports;
    const plaintext = noise(1424, 3);
    const open = (counter: bigint, expected: bigint) => {
      const at = module.put(sealByOpenssl(plaintext, counter));
      return openPacket(at, at, plaintext.length, counter, expected) && same(module.read(at, 1424), plaintext);
    };
    packetsBegin(module.put(key));
    expect([open(5n, 6n), open(7n, 8n), open(6n, 7n), open(7n, 6n), open(6n, 7n)]).toEqual(Array(5).fill(true));
    packetsEnd();
    expect(module.scratchIsWiped()).toBe(true);
    // The last batch expected this one. Of zeros, which its place holds by now, Poly1305 would make a tag of zeros.
    const at = module.put(new Uint8Array(plaintext.length + TAG_BYTES));
    packetsBegin(module.put(noise(32, 9)));
    expect(openPacket(at, at, plaintext.length, 7n, NO_COUNTER)).toBe(0);
    packetsEnd();
    packetsBegin(module.put(key));
    expect(open(NO_COUNTER, NO_COUNTER)).toBe(true);
    packetsEnd();
  });

  it("seals and opens from one place to another, and leaves no plaintext of a forged message there", async () => {
    const module = await withKernel();
    const { packetsBegin, packetsEnd, sealPacket, openPacket } = module.exports;
    for (const length of [193, 447, 448, 449, 960, 1424, 2000]) {
      module.reset();
      const plaintext = noise(length, length);
      const [src, dst, back] = [module.put(plaintext), module.place(length + TAG_BYTES, 3), module.place(length, 5)];
      packetsBegin(module.put(key));
      sealPacket(dst, src, length, 1n);
      packetsEnd();
      expect(same(module.read(dst, length + TAG_BYTES), sealByOpenssl(plaintext, 1n))).toBe(true);
      packetsBegin(module.put(key));
      expect(openPacket(back, dst, length, 1n, NO_COUNTER)).toBe(1);
      expect(same(module.read(back, length), plaintext)).toBe(true);
      expect(openPacket(back, dst, length, 2n, NO_COUNTER)).toBe(0);
      expect(module.read(back, length)).toEqual(new Uint8Array(length));
      packetsEnd();
      for (const [at, bytes] of [
        [src, length],
        [dst, length + TAG_BYTES],
        [back, length],
      ] as const) {
        expect(module.guarded(at, bytes)).toBe(true);
      }
      expect(module.scratchIsWiped()).toBe(true);
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])("finds fault %i of a kernel, and goes on without it", (fault) => {
    const module = new PacketModule(packets);
    const { kernel, place } = module.bring<BrokenKernel>(broken);
    expect(module.check(place)).toBe(true);
    kernel.breakIt(fault);
    expect(module.check(place)).toBe(false);
    const { packetsBegin, packetsEnd, sealPacket } = module.exports;
    for (const length of [448, 1424, 9100]) {
      const plaintext = noise(length, fault);
      const at = module.place(length + TAG_BYTES);
      module.bytes.set(plaintext, at);
      packetsBegin(module.put(key));
      sealPacket(at, at, length, 1n);
      packetsEnd();
      expect(same(module.read(at, length + TAG_BYTES), sealByOpenssl(plaintext, 1n))).toBe(true);
    }
  });
});
