/** Configuration files: read, or refused with a ConfigError that tells no part of a key, wherever in the file the key stands. */
import fc from "fast-check";
import { expect } from "vitest";
import { ConfigError } from "../../../host/config/config-errors.ts";
import { parseConfig } from "../../../host/config/parse.ts";
import { mutated } from "../mutate.ts";
import type { Target } from "../target.ts";

const KEYS = [
  "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
  "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
  "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=",
] as const;
/** So many characters in a row are no accident. */
const PART_CHARS = 8;
const FILE = `[Interface]
PrivateKey = ${KEYS[0]}
ListenPort = 51820
FwMark = 0xca6c
Address = 10.0.0.1/24, fd00::1/64
DNS = 10.0.0.53, example.org
MTU = 1380
Table = off
PostUp = ip rule add
[Peer] # a comment
PublicKey = ${KEYS[1]}
PresharedKey = ${KEYS[2]}
AllowedIPs = 10.0.0.0/8, fd00::/8
Endpoint = [2001:db8::5]:51820
PersistentKeepalive = 25
`;
const LINES = FILE.split("\n");

function tellsKey(message: string): boolean {
  return KEYS.some((key) => {
    for (let at = 0; at + PART_CHARS <= key.length; at++) {
      if (message.includes(key.slice(at, at + PART_CHARS))) return true;
    }
    return false;
  });
}

/** Lines, and halves of lines, in any order. */
const half = fc
  .tuple(fc.constantFrom(...LINES), fc.constantFrom(0, 1))
  .map(([line, i]) => line.split(/ = /)[i] ?? line);
const shuffled = fc
  .array(
    fc.oneof(
      fc.constantFrom(...LINES),
      fc.tuple(half, half).map((pair) => pair.join(" = ")),
    ),
    { maxLength: 12 },
  )
  .map((lines) => Buffer.from(lines.join("\n")));

export const config: Target = {
  name: "config",
  about: "wg-quick configuration files",
  async open() {
    const file = fc.oneof(
      mutated([Buffer.from(FILE)], 6),
      shuffled,
      shuffled.chain((bytes) => mutated([bytes])),
    );
    return fc.property(file, (bytes) => {
      try {
        const { tunnel } = parseConfig(bytes, "wg0.conf");
        for (const { publicKey } of tunnel.peers) expect(publicKey).toHaveLength(32);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        const { message, nextStep, stack } = error as ConfigError;
        expect([message, nextStep, stack ?? ""].some(tellsKey)).toBe(false);
      }
    });
  },
};
