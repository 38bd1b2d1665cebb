// `npm run bench:page`: bundles the suite for browsers and serves it on localhost, from memory.
// The two cross-origin headers give the page the browser's finer clock.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { misused, readCommandLine } from "../command-line.ts";
import { installBenchPackages } from "../install.ts";

const USUAL_PORT = "8620";
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const USAGE = `npm run bench:page [-- options]
  --port N   of the page on localhost (${USUAL_PORT})`;
const { port } = readCommandLine(USAGE, { port: { type: "string", default: USUAL_PORT } });
if (!/^\d+$/.test(port) || Number(port) > 65_535) misused(USAGE, "--port wants a whole number from 0 to 65535");
installBenchPackages();
const { build } = await import("esbuild"); // one of the packages just installed

const { outputFiles } = await build({
  entryPoints: [here("page.ts"), here("worker.ts")],
  outdir: "/",
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  external: ["bun:*", "node:*"], // asked for by packages that look for other runtimes
  write: false,
  logLevel: "warning",
});
const script = "text/javascript";
const files = new Map<string, { readonly type: string; readonly body: Uint8Array }>([
  ["/", { type: "text/html", body: readFileSync(here("index.html")) }],
  ["/style.css", { type: "text/css", body: readFileSync(here("style.css")) }],
  ...outputFiles.map(({ path, contents }) => [path, { type: script, body: contents }] as const),
]);

const server = createServer((request, response) => {
  const file = files.get(new URL(request.url ?? "/", "http://localhost").pathname);
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Content-Type", `${file?.type ?? "text/plain"}; charset=utf-8`);
  response.statusCode = file ? 200 : 404;
  response.end(file?.body ?? "not found");
});
server.on("error", (error) => {
  console.error(`cannot serve on port ${port}: ${error.message}; choose another: npm run bench:page -- --port 0`);
  process.exit(1);
});
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/  (Ctrl-C ends)`);
});
