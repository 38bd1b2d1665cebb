/** Whether dist/ is what the sources make: whatever is measured of an older one says nothing of them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Modules of host/ whose compiled form tells another text than theirs, or is not there. */
export function outdated(root = ROOT): string[] {
  return readdirSync(join(root, "host"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/[\\/](generated|assets)[\\/]/.test(name))
    .filter((name) => {
      const map = join(root, "dist/host", name.replace(/\.ts$/, ".js.map"));
      if (!existsSync(map)) return true;
      const { sourcesContent } = JSON.parse(readFileSync(map, "utf8")) as { sourcesContent: string[] };
      return sourcesContent[0] !== readFileSync(join(root, "host", name), "utf8");
    });
}
