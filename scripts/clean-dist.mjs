// What was compiled before goes: modules that have moved since would be published as well.
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
