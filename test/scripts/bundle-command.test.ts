// The files that the start of a daemon and of a proxy runs (scripts/bundle-command.mjs): whole, readable where they fail, and rightly licensed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const at = (path: string) => fileURLToPath(new URL(`../../dist/command/${path}`, import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../bin/wasmguard.js", import.meta.url));

const QUICK = ["node:fs", "node:os", "node:path", "node:url", "node:util", "node:events"];
/** What a proxy cannot do without. */
const FOR_PROXY = ["node:dgram", "node:dns/promises", "node:fs/promises", "node:http", "node:net", "node:stream"];

/** What stack traces lead to, where the bundler gave it no other name. */
const PLACE = /^\s*((?:async )?(?:function\*?|class) \w+|throw new \w+)\b(?!\$)/;

describe.each([
  ["launch", QUICK],
  ["daemon", QUICK],
  ["proxy", [...QUICK, ...FOR_PROXY, "node:timers", "node:worker_threads"]],
])("%s.cjs", (name, quick) => {
  const code = readFileSync(at(`${name}.cjs`), "utf8");
  const map = JSON.parse(readFileSync(at(`${name}.cjs.map`), "utf8"));

  it("has no letter for which the engine would keep it at two bytes each", () => {
    expect(code).toMatch(/^[\0-\x7f]+$/);
  });

  it("has lines that lead to the module they are from", () => {
    expect(map.sources.filter((source: string) => !existsSync(at(source)))).toEqual([]);
    const places = new SourceMap(map);
    const modules = new Map<string, string[]>();
    const led = code.split("\n").flatMap((text, line) => {
      const said = PLACE.exec(text)?.[1];
      if (said === undefined) return [];
      return [text.indexOf(said), text.length - 1].map((column) => {
        const entry = places.findEntry(line, column);
        if (!("originalSource" in entry)) return `${text} leads nowhere`;
        const { originalSource: source, originalLine } = entry;
        if (!modules.has(source)) modules.set(source, readFileSync(at(source), "utf8").split("\n"));
        const original = modules.get(source)![originalLine];
        return original?.includes(said) ? "there" : `${text} leads to ${source}:${originalLine + 1}: ${original}`;
      });
    });
    expect(led.filter((place) => place !== "there")).toEqual([]);
    expect(led.length).toBeGreaterThan(200);
    expect(modules.size).toBeGreaterThan(20);
  });

  it("imports only what is there, and loads nothing of Node's that takes long", () => {
    const outside = [...code.matchAll(/\bimport\("(\.[^"]+)"\)/g)].map(([, path]) => path!);
    expect(outside.length).toBeGreaterThan(5);
    expect(outside.filter((path) => !existsSync(at(path)))).toEqual([]);
    const required = [...code.matchAll(/^(?:let|const|var) .*= require\("([^"]+)"\)/gm)].map(([, module]) => module!);
    expect(required.filter((module) => !quick.includes(module))).toEqual([]);
  });
});

it("the licence of everybody whose code is in them is beside them", () => {
  const maps = ["daemon", "proxy"].map((name) => JSON.parse(readFileSync(at(`${name}.cjs.map`), "utf8")));
  const sources: string[] = maps.flatMap(({ sources }) => sources);
  const packages = new Set(sources.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  const licences = readFileSync(at("LICENCES.txt"), "utf8");
  expect(packages.size).toBeGreaterThan(0);
  for (const name of packages) expect(licences).toContain(`${name} `);
});

it("a command that stays outside fails with its own exit code and words", () => {
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, "pubkey", "extra"], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(stderr).toMatch(/^wasmguard: .+ See: wasmguard pubkey --help\n$/);
  expect(status).toBe(2);
});
