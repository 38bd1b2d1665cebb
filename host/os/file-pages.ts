/** Letting go of the program's own pages, where the system tells which they are; undefined elsewhere. */
import { platform } from "../platform.ts";
import { releaseFilePages as release } from "./linux/file-pages.ts";

export const releaseFilePages = platform() === "linux" ? release : undefined;
