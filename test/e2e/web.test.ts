/** The daemon's page: there for who has read its address, served from within the sandbox, and gone with the daemon. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { subject, wasmguardOnNode, wireguardGo } from "./support/implementations.ts";
import { cannotRun } from "./support/requirements.ts";
import { openDaemon } from "./support/tunnel.ts";
import { makeKeyPair } from "./support/wireguard.ts";

const PORT = 9587;
const FETCH = `for (const path of process.argv.slice(1)) {
  const response = await fetch(path);
  console.log(response.status, (await response.text()).replaceAll("\\n", " "));
}`;

test("the daemon serves its page to who knows the address, which root alone can read", async (ctx) => {
  if (subject === wireguardGo) cannotRun(ctx, "wireguard-go has no page");
  const program = { ...wasmguardOnNode, command: [...wasmguardOnNode.command, "--web", `127.0.0.1:${PORT}`] };
  const { namespace, daemon } = await openDaemon(ctx, program);
  const file = daemon.socket.replace(/\.sock$/, ".web");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { publicKey } = makeKeyPair();
  await daemon.wg("set", daemon.interface, "peer", publicKey, "endpoint", "192.0.2.1:51820");
  const url = readFileSync(file, "utf8").trim();
  const get = (...urls: string[]) => namespace.run([wasmguardOnNode.command[0]!, "-e", FETCH, ...urls]);
  const [page, status, guessed] = (await get(url, `${url}status`, `http://127.0.0.1:${PORT}/status`)).split("\n");
  expect(page).toMatch(/^200 <!doctype html>/i);
  expect(status).toMatch(/^200 /);
  const { name, peers } = JSON.parse(status!.slice(4));
  expect(name).toBe(daemon.interface);
  expect(peers).toEqual([{ publicKey, endpoint: "192.0.2.1:51820", handshakeAgeSeconds: null, received: 0, sent: 0 }]);
  expect(guessed).toMatch(/^404 /);
  daemon.signal("SIGTERM");
  expect(await daemon.ends(5000)).toBe(true);
  expect(existsSync(file)).toBe(false);
});
