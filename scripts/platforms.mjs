// The table of docs/PLATFORMS.md from the reports of a run of all suites (vitest's JSON): what was tested on which platform, and with what
// result. Usage: platforms.mjs [--write] REPORT.json...
// Prints it, or writes it into the document. Exit code 1 where a platform's tests are missing, failed or were skipped, or where the document's
// table says otherwise: all but the numbers of tests, which are those of the run that was written down last.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DOCUMENT = fileURLToPath(new URL("../docs/PLATFORMS.md", import.meta.url));
const [BEGIN, END] = ["<!-- by scripts/platforms.mjs: begin -->", "<!-- by scripts/platforms.mjs: end -->"];

/** `tests`: what of "FILE: NAME" is the platform's; without it there are none yet. */
const PLATFORMS = [
  {
    platform: "Linux x86_64, glibc",
    tier: 1,
    what: "everything, in Node 20 to 26, Deno and Bun",
    tests:
      /^(?!Wine: |test\/(platforms|host\/(os|cli\/quick)\/macos\/|e2e\/wintun|packaging\/(page|workerd))|.*(browser|page)\.test|.*bun-musl)/,
  },
  {
    platform: "containers on it",
    tier: 1,
    what: "podman with runc: few capabilities, a read-only root, no /run; containers of a user without root; supervisors without CAP_KILL; user namespaces",
    tests: /^test\/e2e\/containers\.test/,
  },
  {
    platform: "kernels that lack something",
    tier: 1,
    what: "the daemon, with one call or option refused at a time",
    tests: /^test\/e2e\/(kernel-features|fail-closed)\.test/,
  },
  {
    platform: "Linux x86_64, musl",
    tier: 2,
    what: "Bun with musl 1.2.5: the daemon with all of its confinement, a tunnel to wireguard-go, calls of the C library",
    tests: /bun-musl/,
  },
  {
    platform: "Linux arm64, glibc",
    tier: 3,
    what: "Node 26 under qemu: crypto's vectors in both builds, core, engine, devices, the filter of system calls that is made there; a tunnel to wireguard-go without confinement, which qemu cannot show",
    tests: /^test\/(platforms\/arm64|e2e\/arm64)\.test/,
  },
  {
    platform: "browsers",
    tier: 1,
    what: "Chromium: `wasmguard/crypto`, and the library with a Bind of the program's own",
    tests: /^test\/(packaging\/page|host\/crypto\/browser|bench\/page)\.test/,
  },
  {
    platform: "Cloudflare Workers",
    tier: 1,
    what: "workerd: `wasmguard/crypto`",
    tests: /^test\/packaging\/workerd\.test/,
  },
  {
    platform: "macOS, x86_64 and arm64",
    tier: 4,
    what: "numbers and structs against Apple's headers; the daemon's whole driver, `up` and `down` against a stand-in for kernel, C library and programs: never run on a Mac",
    tests:
      /^test\/(host\/(os|cli\/quick)\/macos\/|host\/ffi\/darwin\.test|host\/ffi\/other-headers\.test\.ts: .*macOS)/,
  },
  {
    platform: "Windows x86_64, the daemon",
    tier: 3,
    what: "Node 26 under Wine, with a stand-in for wintun.dll that the tests build: handshake, traffic both ways, roaming, rekeying, the control pipe, starts that fail; as a service, from install to uninstall; up, save and down, with a stand-in for what Wine lacks of IP Helper; in Bun and Deno a handshake and traffic",
    tests: /^test\/e2e\/wintun(-up|-service)?\.test/,
  },
  {
    platform: "Windows x86_64, library, proxy and crypto",
    tier: 2,
    what: "Node 26 for Windows, under Wine: core, crypto, engine, library, network, sockets, proxies; in Node, Bun and Deno the package, the command and its proxy to a far end on Linux: never run on Windows itself",
    tests: /^(Wine: |test\/platforms\/windows\.test)/,
  },
  {
    platform: "FreeBSD, OpenBSD",
    tier: 4,
    what: "library, proxy and crypto need no FFI: never run; the daemon is refused with one line",
  },
];

function testsOf(path) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  return report.testResults.flatMap(({ name, assertionResults }) => {
    const drive = /^[A-Z]:/.test(name) ? "Wine: " : "";
    const file = drive + name.slice(name.lastIndexOf("/test/") + 1);
    return assertionResults.map(({ fullName, status }) => ({ place: `${file}: ${fullName}`, status }));
  });
}

function result(tests) {
  if (tests.length === 0) return "not run";
  const passed = tests.filter(({ status }) => status === "passed").length;
  return passed === tests.length ? `${passed} tests pass` : `${passed} of ${tests.length} tests pass`;
}

const paths = process.argv.slice(2).filter((argument) => argument !== "--write");
const all = paths.flatMap(testsOf);
const rows = PLATFORMS.map(({ tests, ...row }) => ({
  ...row,
  result: tests === undefined ? "never run" : result(all.filter(({ place }) => tests.test(place))),
}));
const lines = rows.map((row) => `| ${row.platform} | ${row.tier} | ${row.what} | ${row.result} |`);
const table = ["| platform | tier | what is run with every change | result |", "|---|---|---|---|", ...lines].join(
  "\n",
);

const [before, rest] = readFileSync(DOCUMENT, "utf8").split(BEGIN);
const [documented, after] = rest.split(END);
const withoutNumbers = (text) => text.trim().replaceAll(/\b\d+ tests pass\b/g, "tests pass");

let failed = rows.some((row) => / of |not run/.test(row.result));
if (process.argv.includes("--write")) writeFileSync(DOCUMENT, `${before}${BEGIN}\n${table}\n${END}${after}`);
else {
  console.log(table);
  if (!failed && withoutNumbers(documented) !== withoutNumbers(table)) {
    failed = true;
    console.error(
      "docs/PLATFORMS.md has another table: write this one by `node scripts/platforms.mjs --write REPORT.json...`",
    );
  }
}
process.exitCode = failed ? 1 : 0;
