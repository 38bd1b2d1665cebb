/** Configuration files: what is sent is what `wg setconf` sends, and no input breaks the parser or tells a key. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalEndpoint } from "../../../host/address/canonical.ts";
import { setRequest } from "../../../host/cli/quick/request.ts";
import { ConfigError } from "../../../host/config/config-errors.ts";
import { parseConfig } from "../../../host/config/parse.ts";
import { privateRunObstacle, runPrivately } from "../cli/private-run.ts";

const PRIVATE = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const PUBLIC = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const SHARED = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";

const parse = (text: string) => parseConfig(Buffer.from(text), "wg0.conf");

function requestOf(text: string): string {
  const { tunnel } = parse(text);
  const endpoints = tunnel.peers.map(({ endpoint }) => {
    if (!endpoint) return undefined;
    const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
    return canonicalEndpoint(`${host}:${endpoint.port}`);
  });
  return Buffer.from(setRequest(tunnel, endpoints)).toString("latin1");
}

/** Files that `wg setconf` takes too. */
const FILES: Record<string, string> = {
  empty: "",
  "only a heading": "[Interface]\n",
  "a whole tunnel": `[Interface]
PrivateKey = ${PRIVATE}
ListenPort = 51820
FwMark = 0xCa6c
# a comment
[Peer]
PublicKey = ${PUBLIC}
PresharedKey = ${SHARED}
AllowedIPs = 10.0.0.0/8, 192.168.1.77 , fd00::/8,2001:DB8:0:0::1
Endpoint = [2001:db8:0::5]:51820
PersistentKeepalive = 25
`,
  "any spelling": `  [ interface ] # x\n\tPRIVATEKEY=${PRIVATE}\r\nlisten port=0\nfwmark = OFF\n\n[PEER]\npublickey=${PUBLIC}\nendpoint=192.0.2.1:1\npersistentkeepalive = Off`,
  "repeated keys": `[Interface]\nListenPort = 1\nListenPort = 2\nPrivateKey = ${PUBLIC}\nPrivateKey = ${PRIVATE}\n[Peer]
PublicKey = ${PUBLIC}\nAllowedIPs = 10.0.0.0/8\nAllowedIPs = 11.0.0.0/8\n[Interface]\nListenPort = 3\n[Peer]\nPublicKey = ${SHARED}\n`,
  "many peers": `[Interface]\n${`[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 0.0.0.0/0,::/0\n`.repeat(40)}`,
  "no last line feed": `[Peer]\nPublicKey=${PUBLIC}\nAllowedIPs=::1.2.3.4/96`,
};

/** Files that `wg setconf` refuses as well. */
const WRONG: Record<string, string> = {
  "a value outside of a section": `PrivateKey = ${PRIVATE}\n`,
  "an unknown section": "[Interfaces]\n",
  "an unknown key": "[Interface]\nListenPorts = 1\n",
  "a key of the other section": `[Peer]\nPublicKey = ${PUBLIC}\nListenPort = 1\n`,
  "a key without a value": "[Interface]\nListenPort =\n",
  "a line without '='": `[Interface]\n${PRIVATE.slice(0, 43)}\n`,
  "a mark too large": "[Interface]\nFwMark = 0x100000000\n",
  "a negative mark": "[Interface]\nFwMark = -1\n",
  "a short key": `[Interface]\nPrivateKey = ${PRIVATE.slice(1)}\n`,
  "a key with left-over bits": `[Interface]\nPrivateKey = ${PRIVATE.slice(0, 42)}l=\n`,
  "a long key": `[Interface]\nPrivateKey = ${PRIVATE}${PRIVATE}\n`,
  "a peer without a public key": "[Peer]\nAllowedIPs = 10.0.0.0/8\n",
  "an address out of range": `[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 10.0.0.256/8\n`,
  "a mask too long": `[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 10.0.0.1/33\n`,
  "no address between commas": `[Peer]\nPublicKey = ${PUBLIC}\nAllowedIPs = 10.0.0.1/32,,10.0.0.2/32\n`,
  "an endpoint without a port": `[Peer]\nPublicKey = ${PUBLIC}\nEndpoint = 192.0.2.1\n`,
  "an endpoint with an open bracket": `[Peer]\nPublicKey = ${PUBLIC}\nEndpoint = [2001:db8::1:5\n`,
  "a keepalive too long": `[Peer]\nPublicKey = ${PUBLIC}\nPersistentKeepalive = 65536\n`,
};

describe("a configuration file", () => {
  const obstacle = privateRunObstacle("wg");
  const setconf = (files: Record<string, string>) =>
    runPrivately(
      Object.values(files).map((text) => ({
        program: "wg",
        args: ["setconf", "wg0", "/run/test/wg0.conf"],
        files: { "/run/test/wg0.conf": text },
        tunnels: { wg0: "errno=0\n\n" },
      })),
    );

  it("is sent as wg setconf sends it", (context) => {
    if (obstacle) return context.skip(obstacle);
    const results = setconf(FILES);
    for (const [i, [name, text]] of Object.entries(FILES).entries()) {
      expect(results[i]!.code, `${name}: ${results[i]!.stderr}`).toBe(0);
      expect(requestOf(text), name).toBe(results[i]!.requests.wg0);
    }
  });

  it("is refused where wg setconf refuses it", (context) => {
    if (obstacle) return context.skip(obstacle);
    const results = setconf(WRONG);
    for (const [i, [name, text]] of Object.entries(WRONG).entries()) {
      expect(results[i]!.code, name).toBe(1);
      expect(() => parse(text), name).toThrow(ConfigError);
    }
  });

  it("is refused with a port too large, which wg would cut to 16 bits", () => {
    expect(() => parse("[Interface]\nListenPort = 65536\n")).toThrow(ConfigError);
  });

  it("has the keys of wg-quick in its interface section only", () => {
    const { system } = parse(`[Interface]
Address = 10.0.0.1/24, fd00::1/64 10.0.0.2
address = 10.0.0.3/32
DNS = 192.0.2.53, 2001:db8::53, example.org
MTU = 1380
Table = off
PreUp = echo one = two, %i
PostUp = a
PostUp = b # not c
SaveConfig = TRUE
`);
    expect(system).toEqual({
      addresses: ["10.0.0.1/24", "fd00::1/64", "10.0.0.2", "10.0.0.3/32"],
      dnsServers: ["192.0.2.53", "2001:db8::53"],
      dnsSearch: ["example.org"],
      mtu: "1380",
      table: "off",
      hooks: { PreUp: ["echo one = two, %i"], PostUp: ["a", "b"], PreDown: [], PostDown: [] },
      saveConfig: true,
    });
    expect(() => parse(`[Peer]\nPublicKey = ${PUBLIC}\nMTU = 1380\n`)).toThrow(
      /line 3: not a key of this section: MTU/,
    );
    for (const line of ["MTU = big", "Address = 10.0.0.1/33", "Table = a b", "SaveConfig = maybe"]) {
      expect(() => parse(`[Interface]\n${line}\n`), line).toThrow(/line 2: \w+ has a value that is not valid/);
    }
  });

  it("has no keys of the names that every object has", () => {
    const names = Object.getOwnPropertyNames(Object.prototype);
    for (const section of ["Interface", "Peer"]) {
      for (const name of [...names, ...names.map((name) => name.toLowerCase())]) {
        expect(() => parse(`[${section}]\n${name} = 1\n`), name).toThrow(/line 2: not a key of this section$/);
      }
    }
  });

  it("never has its keys told in an error, wherever they stand", () => {
    const places = [
      `PrivateKey ${PRIVATE}`,
      PRIVATE,
      `${PRIVATE} = 1`,
      `ListenPort = ${PRIVATE}`,
      `Table = ${PRIVATE} x`,
    ];
    for (const place of [...places, `[${PRIVATE}]`, `PrivateKey = ${PRIVATE}x`, `Private=${PRIVATE}`]) {
      const message = (() => {
        try {
          parse(`[Interface]\n${place}\n`);
        } catch (error) {
          return String(error);
        }
        throw new Error(`accepted: ${place}`);
      })();
      expect(message).not.toContain(PRIVATE.slice(0, 10));
    }
  });
});

describe("the parser", () => {
  const word = fc.oneof(
    fc.constantFrom("[Interface]", "[Peer]", "PrivateKey", "PublicKey", "AllowedIPs", "Endpoint", "MTU", "Address"),
    fc.constantFrom("=", "#", "\n", " ", ",", PRIVATE, "10.0.0.0/8", "[::1]:1", "::/0", "off", "0x1", "true", "\0"),
    fc.string(),
  );

  it("throws nothing but ConfigError, whatever it reads", () => {
    const text = fc.oneof(
      fc.array(word).map((words) => words.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (input) => {
        try {
          requestOf(input);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("takes bytes that are not text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          parseConfig(bytes, "wg0.conf");
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});

describe("addresses of the interface", () => {
  const addressesOf = (text: string): string[] =>
    parseConfig(Buffer.from(`[Interface]\nAddress = ${text}\n`), "wg0.conf").system.addresses;

  it.each([
    ["10.0.0.1/255.255.255.0", "10.0.0.1/24"],
    ["10.7/16", "10.7.0.0/16"],
    ["10/8", "10.0.0.0/8"],
    ["0x0a.010.1/0x10", "10.8.1.0/16"],
    ["10.0.0.1/020", "10.0.0.1/16"],
    ["10.0.0.1/255.255", "10.0.0.1/16"],
    ["10.0.0.1/0.0.0.0", "10.0.0.1/0"],
    ["10.0.0.1", "10.0.0.1"],
    ["fd00::1/64", "fd00::1/64"],
    ["fd00::1/0x40", "fd00::1/64"],
  ])("%s is %s", (text, address) => {
    expect(addressesOf(text)).toEqual([address]);
  });

  it.each(["10.0.0.1/255.0.255.0", "10.0.0.1/33", "10.0.0.256", "10.0.0.1.2", "10..1", "10.0.0.1/", "fd00::1/ffff::"])(
    "%s is none",
    (text) => {
      expect(() => addressesOf(text)).toThrow(/line 2: Address has a value that is not valid/);
    },
  );
});

describe("a byte order mark", () => {
  it("of UTF-8 is passed over", () => {
    expect(parse("\ufeff[Interface]\r\nListenPort = 7\r\n").tunnel.listenPort).toBe(7);
  });

  it.each(["\ufeff", "\ufffe"])("of two bytes a character is told, %#", (mark) => {
    const file = Buffer.from(`${mark}[Interface]\n`, "utf16le");
    expect(() => parseConfig(file, "wg0.conf")).toThrow(
      expect.objectContaining({ message: "wg0.conf, line 1: the file is UTF-16", nextStep: "Save it as UTF-8." }),
    );
  });
});
