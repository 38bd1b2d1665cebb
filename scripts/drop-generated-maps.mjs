// Takes the source maps of the WebAssembly builds out of dist/: their sources are the same base64 once more.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

for (const folder of ["dist/host/core/generated", "dist/host/crypto/generated"]) {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (name.endsWith(".map")) rmSync(file);
    else writeFileSync(file, readFileSync(file, "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
  }
}
