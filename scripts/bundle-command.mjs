// Bundles what a daemon's start runs into dist/command/, one file for each of its two processes: launch.cjs for the one that
// the user starts, daemon.cjs for the one that stays; and proxy.cjs for a proxy. Reading a hundred modules was a third of the time a start took. All
// else, the library and the other commands, stays modules, and these files import it from there.
// CommonJS, because Node then need not start its loader of ES modules, nor evaluate each lazy part of a built-in module that
// an import names: 20 ms and 4 MB for each process.
// Nothing is minified or renamed, and the maps lead to the compiled modules: a stack trace says what it said before.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("../", import.meta.url));
const modules = join(root, "dist/host");
const out = join(root, "dist/command");
const licences = join(out, "LICENCES.txt");

const ENTRY = "cli/main.js";
/** The runtimes' ways to call C: which of them is known where they are needed. */
const FFI = ["ffi/node.js", "ffi/bun.js", "ffi/deno.js", "ffi/koffi.js"];
/** What each file has, with all that these import, of what is imported when it is needed. */
const BUNDLES = {
  launch: ["cli/start.js", "cli/launch/daemon.js", "cli/spawn-daemon.js", "cli/proxy/start.js", ...FFI],
  daemon: [
    ...["cli/start.js", "cli/run-daemon.js", "core/generated/relaxed.js", ...FFI],
    ...["loop/threads/workers.js", "loop/event-log.js", "os/linux/machine.js"],
  ],
  proxy: [
    ...["cli/proxy/start.js", "cli/proxy/command.js", "core/generated/relaxed.js", ...FFI],
    ...["direct/udp-bind.js", "direct/doorbell.js"],
  ],
};

/**
 * What is imported when it is needed: of a part it becomes an ordinary import (the bundler would put every module into a
 * function that is called later, and then nothing of the packet path were constant for the compiler); all else stays outside.
 */
function importsOf(parts) {
  const inside = new Set(parts.map((part) => join(modules, part)));
  return {
    name: "imports",
    transform: {
      filter: { code: /\bimport\("\.[^"]+"\)/ },
      handler(code, id) {
        const imports = [];
        const rewritten = code.replace(/\bimport\("(\.[^"]+)"\)/g, (whole, path) => {
          if (!inside.has(join(dirname(id), path))) return whole;
          imports.push(`import * as part${imports.length} from "${path}";`);
          return `Promise.resolve(part${imports.length - 1})`;
        });
        return { code: [rewritten, ...imports].join("\n"), map: null };
      },
    },
    resolveId(source, importer, { kind }) {
      if (kind !== "dynamic-import" || !source.startsWith(".")) return null;
      return { id: relative(out, join(dirname(importer), source)), external: "absolute" };
    },
  };
}

/** One letter beyond, and the engine keeps the whole text at two bytes each. Only strings have any. */
function ascii(code) {
  return code.replace(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Built-in modules that take Node megabytes and milliseconds, and that few need: required where they are used, not at the start. */
const SLOW = ["crypto", "http2", "https", "tls", "zlib"];

/** Lines stay where they are. */
function lazily(code) {
  return SLOW.reduce((text, name) => {
    const declaration = `let node_${name} = require("node:${name}");`;
    if (!text.includes(declaration)) return text;
    return text.replace(declaration, "").replaceAll(`node_${name}.`, `require("node:${name}").`);
  }, code);
}

/** A module that finds files by its own URL gets the one that it has outside. */
const ownUrl = {
  name: "own-url",
  transform: {
    filter: { code: /\bimport\.meta\.url\b/ },
    handler(code, id) {
      const path = JSON.stringify(relative(out, id));
      const url = `require("node:url").pathToFileURL(require("node:path").join(__dirname, ${path})).href`;
      return { code: code.replaceAll("import.meta.url", url), map: null };
    },
  },
};

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** One segment of a map's mappings (ECMA-426): numbers in digits of five bits, the lowest first, whose sixth says that more follow. */
function decode(segment) {
  const numbers = [];
  let value = 0;
  let shift = 0;
  for (const letter of segment) {
    const digit = BASE64.indexOf(letter);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function encode(numbers) {
  const digits = numbers.map((number) => {
    let text = "";
    let rest = number < 0 ? (-number << 1) | 1 : number << 1;
    do {
      const digit = rest & 31;
      rest >>= 5;
      text += BASE64[rest > 0 ? digit | 32 : digit];
    } while (rest > 0);
    return text;
  });
  return digits.join("");
}

/** Names of things are what they were in the modules, so a place for each of their lines tells all but columns, in a fifth of the bytes. */
function byLines(map) {
  const at = [0, 0, 0];
  let told = [0, 0, 0];
  const lines = map.mappings.split(";").map((line) => {
    const kept = [];
    let [column, toldColumn] = [0, 0];
    for (const segment of line.split(",")) {
      const [columns = 0, ...place] = decode(segment);
      column += columns;
      if (place.length === 0) continue;
      for (const i of at.keys()) at[i] += place[i];
      const [source, row] = at;
      if (kept.length > 0 && source === told[0] && row === told[1]) continue;
      kept.push(encode([column - toldColumn, ...at.map((value, i) => value - told[i])]));
      [told, toldColumn] = [[...at], column];
    }
    return kept.join(",");
  });
  return { ...map, names: [], mappings: lines.join(";") };
}

/** @returns the modules that went in */
async function write(name, parts) {
  const bundle = await rolldown({
    input: join(modules, ENTRY),
    platform: "node",
    // The one is only in Bun, the other a native add-on.
    external: ["bun:ffi", "koffi"],
    plugins: [importsOf(parts), ownUrl],
  });
  const file = join(out, `${name}.cjs`);
  const { output } = await bundle.write({
    file,
    format: "cjs",
    codeSplitting: false,
    comments: { legal: true, annotation: false, jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await bundle.close();
  const map = `${file}.map`;
  writeFileSync(map, JSON.stringify(byLines(JSON.parse(readFileSync(map, "utf8")))));
  writeFileSync(file, ascii(lazily(readFileSync(file, "utf8"))));
  console.log(`${name}: ${output[0].code.length} bytes of ${output[0].moduleIds.length} modules`);
  return output[0].moduleIds;
}

/** Whose code is in the files has a right to be named beside it. */
function licenceTexts(ids) {
  const folders = new Set(ids.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(id)?.[0] ?? []));
  return [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
  });
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const ids = [];
for (const [name, parts] of Object.entries(BUNDLES)) ids.push(...(await write(name, parts)));
writeFileSync(licences, licenceTexts(ids).join("\n"));
