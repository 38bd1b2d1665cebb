/** What suites of the daemon on Windows share: a folder with stand-ins for its DLLs, a session in Wine that sees it, and beds that end with their test. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, type TestContext } from "vitest";
import { cannotRun } from "./requirements.ts";
import { missingWine, type WineSession, windowsPath } from "./wine-session.ts";
import type { WintunBed } from "./wintun-bed.ts";

const script = (name: string): string => fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));

export function buildIpHelper(folder: string): void {
  execFileSync(script("build-ip-helper.sh"), [folder]);
}

export class WintunSuite {
  #folder = "";
  #wine: WineSession | undefined;
  #beds: WintunBed[] = [];

  /** Where tests are declared. @param prefix of the folder's name @param open the session; a stand-in for wintun.dll is in the folder by then */
  constructor(prefix: string, open: (folder: string) => Promise<WineSession>) {
    beforeAll(async () => {
      if (missingWine() !== undefined) return;
      this.#folder = mkdtempSync(join(tmpdir(), prefix));
      execFileSync(script("build-wintun.sh"), [this.path("wintun.dll")]);
      this.#wine = await open(this.#folder);
    }, 120_000);
    afterEach(async () => {
      await Promise.all(this.#beds.map((bed) => bed.close()));
      this.#beds = [];
    });
    afterAll(async () => {
      await this.#wine?.close();
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  /** A file in the folder, as this machine has it. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** The folder's DLL, as Windows sees it. */
  get dll(): string {
    return windowsPath(this.path("wintun.dll"));
  }

  session(ctx: TestContext): WineSession {
    ctx.onTestFailed(() => console.log(this.#wine?.diagnostics));
    return this.#wine ?? cannotRun(ctx, missingWine() ?? "no session in Wine");
  }

  /** It ends with the test, which tells what the daemon said if it fails. */
  use(ctx: TestContext, bed: WintunBed): WintunBed {
    this.#beds.push(bed);
    ctx.onTestFailed(() => console.log(bed.daemon.output));
    return bed;
  }
}
