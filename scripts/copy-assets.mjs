// Files that are shipped as they are, to where the compiled code looks for them.
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

cpSync(path("host/web/assets"), path("dist/host/web/assets"), { recursive: true });
