/** `show` and `showconf` byte for byte against `wg`, for the same answers of a tunnel. */
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INTERFACE_HEADING, writeConfigurationBody } from "../../../host/cli/show/configuration.ts";
import { FIELDS, writeField } from "../../../host/cli/show/fields.ts";
import { writeHuman } from "../../../host/cli/show/human.ts";
import { Output } from "../../../host/cli/show/output.ts";
import { parseDevice } from "../../../host/cli/show/shown-device.ts";
import { UapiClientError } from "../../../host/uapi/client.ts";
import { type Job, type JobResult, privateRunObstacle, runPrivately } from "./private-run.ts";

const KEY = (seed: number): string => seed.toString(16).padStart(2, "0").repeat(32);
const NOW = Math.floor(Date.now() / 1000);
const ZERO = "0".repeat(64);

const DEVICE = `private_key=${KEY(0x58)}\nlisten_port=51820\nfwmark=51820\n`;
const TRAFFIC = [0, 1, 1023, 1024, 1152, 1289, 1536 + 5, 1047552, 1048575, 1048576, 5242880 + 131072, 2 ** 30, 2 ** 40]
  .map((bytes, i) => `public_key=${KEY(i + 1)}\nrx_bytes=${bytes}\ntx_bytes=${bytes * 3}\n`)
  .join("");
const AGES = [1, 59, 60, 61, 63, 3600, 3661, 86_400, 90_061, 31_536_000, 31_536_000 + 2 * 86_400 + 7 * 3600 + 5];
const HANDSHAKES = AGES.map((age, i) => `public_key=${KEY(i + 1)}\nlast_handshake_time_sec=${NOW - age}\n`).join("");

/** Answers without their errno line. */
const STATES: Record<string, string> = {
  "nothing configured": "",
  "a zero private key": `private_key=${ZERO}\n`,
  "no peers": DEVICE,
  "a peer with everything": `${DEVICE}public_key=${KEY(1)}\npreshared_key=${KEY(2)}\nprotocol_version=1\nendpoint=192.0.2.1:51820
last_handshake_time_sec=${NOW - 63}\nlast_handshake_time_nsec=5\ntx_bytes=1234\nrx_bytes=5678
persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n`,
  "a peer with nothing": `public_key=${KEY(1)}\npreshared_key=${ZERO}\nlast_handshake_time_sec=0\nrx_bytes=0\ntx_bytes=0\n`,
  "amounts of every size": TRAFFIC,
  "the largest amounts": `public_key=${KEY(1)}\nrx_bytes=18446744073709551615\ntx_bytes=9007199254740993\n`,
  "handshakes of every age": HANDSHAKES,
  "a handshake now, and one to come": `public_key=${KEY(1)}\nlast_handshake_time_sec=${NOW + 9999}\n`,
  "equal handshakes keep their order": [3, 1, 2]
    .map(
      (seed) => `public_key=${KEY(seed)}\nlast_handshake_time_sec=${NOW - 9}\nlast_handshake_time_nsec=${seed % 2}\n`,
    )
    .join(""),
  "handshakes and none, mixed": [0, 50, 0, 10, 70]
    .map((age, i) => `public_key=${KEY(i + 1)}\nlast_handshake_time_sec=${age === 0 ? 0 : NOW - age}\n`)
    .join(""),
  "endpoints of every kind": [
    "[2001:db8::1]:1",
    "[2001:0DB8:0:0:1:0:0:1]:65535",
    "[::]:0",
    "[::1]:9",
    "[::1.2.3.4]:9",
    "[::ffff:1.2.3.4]:9",
    "[1:0:0:2:0:0:0:3]:9",
    "[1:0:2:3:4:5:6:7]:9",
    "[fe80::1%lo]:51820",
    "255.255.255.255:65535",
  ]
    .map(
      (endpoint, i) =>
        `public_key=${KEY(i + 1)}\nendpoint=${endpoint}\nallowed_ip=${endpoint.startsWith("[") && !endpoint.includes("%") ? `${endpoint.slice(1, endpoint.indexOf("]"))}/128` : "10.0.0.1/32"}\n`,
    )
    .join(""),
  "keepalives of every length": [0, 1, 2, 25, 60, 61, 3600, 3661, 65535]
    .map((every, i) => `public_key=${KEY(i + 1)}\npersistent_keepalive_interval=${every}\n`)
    .join(""),
  "unknown keys are passed over": `${DEVICE}something_new=1\npublic_key=${KEY(1)}\nsomething_else=x\nallowed_ip=10.0.0.0/8\n`,
};

/** Whole answers that `wg` refuses. */
const BROKEN: Record<string, string> = {
  "an error": "errno=22\n\n",
  "a negative error": "errno=-22\n\n",
  "no end": "listen_port=1\n",
  "no errno": "listen_port=1\n\n",
  "no equals sign": "listen_port\nerrno=0\n\n",
  "carriage returns": "listen_port=1\r\nerrno=0\r\n\r\n",
  "a short key": `private_key=${ZERO.slice(2)}\nerrno=0\n\n`,
  "a port too large": "listen_port=65536\nerrno=0\n\n",
  "an allowed IP without a mask": `public_key=${KEY(1)}\nallowed_ip=10.0.0.1\nerrno=0\n\n`,
  "a mask too long": `public_key=${KEY(1)}\nallowed_ip=10.0.0.1/33\nerrno=0\n\n`,
};

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const printed = (output: Output): string => Buffer.from(output.take()).toString("latin1");

type Form = { args: string[]; env: Record<string, string>; ours(answer: string, now: number): string };

const human = (colours: boolean, showKeys: boolean): Form => ({
  args: ["show", "wg0"],
  env: { WG_COLOR_MODE: colours ? "always" : "never", WG_HIDE_KEYS: showKeys ? "never" : "always" },
  ours: (answer, now) => {
    const output = new Output();
    writeHuman(output, parseDevice("wg0", latin1(answer)), { colours, showKeys, now: BigInt(now) });
    return printed(output);
  },
});
const FORMS: Form[] = [
  human(false, false),
  human(true, true),
  ...FIELDS.map((field) => ({
    args: ["show", "wg0", field],
    env: {},
    ours: (answer: string) => {
      const output = new Output();
      writeField(output, parseDevice("wg0", latin1(answer)), field, "");
      return printed(output);
    },
  })),
  {
    args: ["showconf", "wg0"],
    env: {},
    ours: (answer) => {
      const output = new Output().text(INTERFACE_HEADING);
      writeConfigurationBody(output, parseDevice("wg0", latin1(answer)));
      return printed(output);
    },
  },
];

describe("show prints what wg show prints", () => {
  const obstacle = privateRunObstacle("wg");

  it.for(Object.entries(STATES))("for %s", ([, state], context) => {
    if (obstacle) return context.skip(obstacle);
    const answer = `${state}errno=0\n\n`;
    const jobs: Job[] = FORMS.map(({ args, env }) => ({ program: "wg", args, env, tunnels: { wg0: answer } }));
    const results: JobResult[] = runPrivately(jobs);
    for (const [i, form] of FORMS.entries()) {
      const { stdout, stderr, code, now } = results[i]!;
      expect({ code, stderr }, form.args.join(" ")).toEqual({ code: 0, stderr: "" });
      expect(form.ours(answer, now), form.args.join(" ")).toBe(stdout);
    }
  });

  it("and refuses the answers that wg refuses", (context) => {
    if (obstacle) return context.skip(obstacle);
    const jobs: Job[] = Object.values(BROKEN).map((answer) => ({
      program: "wg",
      args: ["show", "wg0"],
      tunnels: { wg0: answer },
      closes: true,
    }));
    const results = runPrivately(jobs);
    for (const [i, [name, answer]] of Object.entries(BROKEN).entries()) {
      expect(results[i]!.code, name).toBe(1);
      expect(() => parseDevice("wg0", latin1(answer)), name).toThrow(UapiClientError);
    }
  });

  it("for the command itself, with several tunnels", (context) => {
    if (obstacle) return context.skip(obstacle);
    const full = `${STATES["a peer with everything"]}errno=0\n\n`;
    const tunnels = { wg0: full, b: `${DEVICE}errno=0\n\n`, "long-name.15_ab": `${HANDSHAKES}errno=0\n\n` };
    // "all endpoints" is left out: up to 1.0.20210914 wg printed the interface's name on the first line only.
    const commands = [[], ["all"], ["all", "dump"], ["all", "transfer"], ["interfaces"], ["b"], ["b", "listen-port"]];
    const entry = fileURLToPath(new URL("entry.ts", import.meta.url));
    const env = { WG_COLOR_MODE: "always" };
    const jobs: Job[] = commands.flatMap((args) => [
      { program: "wg", args: ["show", ...args], env, tunnels, timeless: true },
      { program: process.execPath, args: [entry, "show", ...args], env, tunnels, timeless: true },
    ]);
    const results = runPrivately(jobs);
    for (const [i, args] of commands.entries()) {
      const [theirs, ours] = [results[2 * i]!, results[2 * i + 1]!];
      expect(ours.stderr, args.join(" ")).toBe("");
      expect(ours.code, args.join(" ")).toBe(theirs.code);
      // Their times may differ; everything else may not.
      const still = (text: string): string => text.replace(/\d+ (\S*(?:minute|second))s?/g, "$1");
      expect(still(ours.stdout), args.join(" ")).toBe(still(theirs.stdout));
    }
  });
});

describe("the reader of answers", () => {
  it("throws nothing but UapiClientError, whatever it reads", () => {
    const line = fc.oneof(
      fc.constantFrom("private_key", "public_key", "preshared_key", "endpoint", "allowed_ip", "errno", "fwmark", ""),
      fc.string(),
    );
    const value = fc.oneof(fc.constantFrom("0", "-1", KEY(7), "10.0.0.0/8", "[::1]:1", "%", "[::1%x]:1"), fc.string());
    const answer = fc.array(fc.tuple(line, value)).map((lines) => lines.map((pair) => pair.join("=")).join("\n"));
    fc.assert(
      fc.property(fc.oneof(answer, fc.string({ unit: "binary" })), (text) => {
        try {
          parseDevice("wg0", Buffer.from(`${text}\nerrno=0\n\n`));
        } catch (error) {
          expect(error).toBeInstanceOf(UapiClientError);
        }
      }),
    );
  });

  it("names no key in an error", () => {
    const broken = latin1(`private_key=${KEY(0x58).slice(1)}\nerrno=0\n\n`);
    expect(() => parseDevice("wg0", broken)).toThrow(/^Unable to access interface wg0: Protocol error$/);
  });
});
