// What each layer may know (docs/ARCHITECTURE.md): who imports whom, who asks the runtime, who knows offsets.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Source {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** What it imports, from the root of the repository, or as it is written. */
  readonly imports: readonly string[];
}

const IMPORT = /(?:^|[^.\w])(?:from|import)\s*\(?\s*"([^"]+)"/g;

function read(path: string): Source {
  // Without comments: they may tell of what the code must not do.
  const text = readFileSync(join(ROOT, path), "utf8").replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
  const imports = [...text.matchAll(IMPORT)].map(([, name]) =>
    name!.startsWith(".") ? relative(ROOT, join(ROOT, dirname(path), name!)) : name!,
  );
  return { path, text, imports };
}

function sourcesOf(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
    .map((name) => read(join(folder, name)));
}

const host = sourcesOf("host");
const inside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** Sans-I/O: they are told the time and the bytes. */
const PURE = ["host/engine", "host/lane", "host/net", "host/time"];
const ASKS_SYSTEM =
  /\bprocess\.(platform|arch)\b|\bos\.(platform|arch|machine|type)\(|\{[^}]*\b(platform|arch|machine)\b[^}]*\} from "node:os"/;
const RUNTIME =
  /\bDate\.now\b|\bnew Date\b|\bset(Timeout|Interval|Immediate)\(|\bMath\.random\b|\bperformance\.now\b|\bprocess\./;

it("finds the sources, and what they import", () => {
  expect(host.length).toBeGreaterThan(150);
  expect(host.find(({ path }) => path === "host/lane/lane.ts")?.imports).toContain("host/core/core.ts");
});

it("the core's views, engine, lane and stack import nothing of a runtime", () => {
  const guilty = host.filter(
    ({ path, imports }) =>
      [...PURE, "host/core"].some((folder) => inside(path, folder)) &&
      imports.some((name) => !name.startsWith("host/") && name !== "assembly/abi.ts"),
  );
  // A wire format, and addresses: pure code.
  const libraries = new Set(["@dnsquery/dns-packet", "ipaddr.js"]);
  const foreign = guilty.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith("host/") && name !== "assembly/abi.ts" && !libraries.has(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(foreign).toEqual([]);
});

it("engine, lane and stack read no clock, start no timer, draw no chance", () => {
  const guilty = host.filter(({ path, text }) => PURE.some((folder) => inside(path, folder)) && RUNTIME.test(text));
  expect(guilty.map(({ path }) => path)).toEqual([]);
});

it("offsets in linear memory are known in host/core only", () => {
  const guilty = host.filter(({ path, imports }) => !inside(path, "host/core") && imports.includes("assembly/abi.ts"));
  expect(guilty.map(({ path }) => path)).toEqual([]);
});

it("one file asks which system and which processor this is", () => {
  const guilty = host.filter(({ path, text }) => path !== "host/platform.ts" && ASKS_SYSTEM.test(text));
  expect(guilty.map(({ path }) => path)).toEqual([]);
});

it("V8's options are set in one file, which is loaded only where it is asked for", () => {
  const sets = host.filter(({ text }) => /\bsetFlagsFromString\b/.test(text));
  expect(sets.map(({ path }) => path)).toEqual(["host/daemon/wide-vectors.ts"]);
  const loads = host.filter(({ imports }) => imports.includes("host/daemon/wide-vectors.ts"));
  expect(loads.map(({ path }) => path)).toEqual(["host/daemon/daemon.ts"]);
  // By its type, and when it is needed.
  expect(loads[0]!.text.match(/\bimport\b.*"\.\/wide-vectors\.ts"/g)).toEqual([
    'import type { Vectors } from "./wide-vectors.ts"',
    'import("./wide-vectors.ts"',
  ]);
});

it("which system this is, only who has a part for each asks; others ask what it can do", () => {
  const mayAsk = (path: string): boolean =>
    ["host/platform.ts", "host/cli/quick/systems.ts"].includes(path) ||
    inside(path, "host/ffi") ||
    /^host\/os\/[\w-]+\.ts$/.test(path);
  const guilty = host.filter(({ path, text }) => !mayAsk(path) && /\bplatform\(\)/.test(text));
  expect(guilty.map(({ path }) => path)).toEqual([]);
});

it("a system is a folder of host/os, which others know by the interfaces beside it", () => {
  const systems = readdirSync(join(ROOT, "host/os"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const named = [...readFileSync(join(ROOT, "host/os/systems.ts"), "utf8").matchAll(/import\("\.\/(\w+)\//g)];
  expect(named.map(([, name]) => name)).toEqual(systems.map(({ name }) => name));
  // The library's fast driver, and worker threads: only Linux has them. Who starts with another system there adds a line to it.
  const linuxAlone = ["host/direct", "host/loop/threads"];
  const guilty = host.flatMap(({ path, imports }) =>
    imports
      .filter((name) => /^host\/os\/\w+\//.test(name))
      .filter(() => ![...linuxAlone, "host/os"].some((folder) => inside(path, folder)))
      .map((name) => `${path} → ${name}`),
  );
  // Of `up` and `down` each system's part may know its own folder.
  expect(guilty.filter((line) => !/^host\/cli\/quick\/(\w+)\/.* → host\/os\/\1\//.test(line))).toEqual([]);
});

it("systems of `up` and `down` are folders of host/cli/quick, which only one file knows", () => {
  const systems = readdirSync(join(ROOT, "host/cli/quick"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const source = host.find(({ path }) => path === "host/cli/quick/systems.ts")!;
  const known = source.imports.flatMap((name) => /^host\/cli\/quick\/(\w+)\/system\.ts$/.exec(name)?.[1] ?? []);
  expect(known).toEqual(systems.map(({ name }) => name));
  const guilty = host.flatMap(({ path, imports }) =>
    imports
      .map((name) => /^host\/cli\/quick\/\w+\//.exec(name)?.[0])
      .filter((folder) => folder !== undefined && path !== source.path && !path.startsWith(folder))
      .map((folder) => `${path} → ${folder}`),
  );
  expect(guilty).toEqual([]);
});

it("no arrow runs up: the core's views know nobody, the lane only them, the engine only these two", () => {
  const mayImport: Record<string, readonly string[]> = {
    "host/core": ["host/core", "host/address", "host/errors.ts", "assembly/abi.ts"],
    "host/lane": ["host/lane", "host/core"],
    "host/engine": ["host/engine", "host/lane", "host/core", "host/address", "host/time", "host/errors.ts"],
    "host/net": ["host/net", "host/core", "host/address", "host/time", "host/errors.ts", "@dnsquery/dns-packet"],
    "host/time": ["host/time"],
  };
  const up = Object.entries(mayImport).flatMap(([folder, allowed]) =>
    host
      .filter(({ path }) => inside(path, folder))
      .flatMap(({ path, imports }) =>
        imports
          .filter((name) => !allowed.some((one) => name === one || inside(name, one)))
          .map((name) => `${path} → ${name}`),
      ),
  );
  expect(up).toEqual([]);
});

it("no arrow runs up: who is below knows nobody who is above", () => {
  const programs = ["host/daemon", "host/cli"];
  const drivers = ["host/loop", "host/event", "host/direct"];
  const faces = ["host/library", "host/network", "host/sockets", "host/proxy", "host/web"];
  const system = ["host/ffi", "host/os"];
  const above: Record<string, readonly string[]> = {
    "host/ffi": ["host/os", "host/engine", "host/lane", ...drivers, ...faces, ...programs],
    "host/os": [...drivers, ...faces, ...programs],
    "host/direct": ["host/loop", ...faces, ...programs],
    "host/loop": ["host/event", "host/direct", ...faces, ...programs],
    "host/event": ["host/loop", "host/os", ...faces, ...programs],
    "host/address": ["host/engine", "host/lane", "host/net", ...system, ...drivers, ...faces, ...programs],
    "host/keys": ["host/engine", "host/lane", "host/net", ...system, ...drivers, ...faces, ...programs],
    "host/config": ["host/engine", "host/lane", "host/net", ...system, ...drivers, ...faces, ...programs],
    "host/uapi": ["host/net", ...system, ...drivers, ...faces, ...programs],
    "host/metrics": ["host/net", ...system, ...drivers, ...faces, ...programs],
    "host/confine": ["host/engine", "host/lane", "host/net", "host/os", ...drivers, ...faces, ...programs],
    "host/sockets": [
      "host/engine",
      "host/lane",
      "host/library",
      "host/network",
      "host/proxy",
      "host/web",
      ...system,
      ...drivers,
      ...programs,
    ],
    "host/library": ["host/loop", "host/network", "host/proxy", "host/web", ...system, ...programs],
    "host/network": ["host/loop", "host/proxy", "host/web", ...system, ...programs],
    "host/proxy": ["host/loop", ...system, ...programs],
    "host/web": ["host/loop", ...system, ...programs],
    // The page is served by whoever has a tunnel.
    "host/daemon": [...faces.filter((face) => face !== "host/web"), "host/cli"],
  };
  const up = Object.entries(above).flatMap(([folder, forbidden]) =>
    host
      .filter(({ path }) => inside(path, folder))
      .flatMap(({ path, imports }) =>
        imports.filter((name) => forbidden.some((one) => inside(name, one))).map((name) => `${path} → ${name}`),
      ),
  );
  expect(up).toEqual([]);
});
