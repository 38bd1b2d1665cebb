/** A page whose address has the administrator's token. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NUMERIC_ZONES } from "../../../host/address/endpoint-text.ts";
import { startWebPage } from "../../../host/daemon/web-page.ts";
import type { Engine } from "../../../host/engine/engine.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wasmguard-page-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(token: string) {
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, `${token}\n`);
  return startWebPage("wg9", { host: "127.0.0.1", port: 0, version: "", tokenFile }, {} as Engine, NUMERIC_ZONES);
}

it("has no file made for its address", async () => {
  const page = await start("a-long-random-word");
  page.close();
  expect([page.file, readdirSync(folder)]).toEqual([undefined, ["token"]]);
});

it.each(["sixteen/letters/of+it", "sixteen+letters+of", "c2l4dGVlbiBsZXR0ZXJz=="])(
  "%s is refused: no address has it",
  async (token) => {
    await expect(start(token)).rejects.toMatchObject({
      code: "METRICS_TOKEN",
      message: expect.stringMatching(/token holds a token that no page's address can have/),
    });
  },
);
