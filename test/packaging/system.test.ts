/** What the package has for the system that it is installed on: man page, systemd unit, user, completions. */
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeProject, type Project, ROOT, run } from "./support.ts";

/** Of 10; what a service without any sandbox has is 9.6. */
const EXPOSURE_LIMIT = 4;

let project: Project;
let installed: string;
beforeAll(() => {
  project = makeProject();
  installed = join(project.directory, "node_modules/wasmguard");
});
afterAll(() => project.remove());

it("has a man page that says what the help says, and that npm installs", () => {
  const { man } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(man).toEqual(["packaging/man/wasmguard.1"]);
  run(process.execPath, ["scripts/man-page.mjs", "--check"], ROOT);
  const { output } = run("groff", ["-man", "-Tutf8", "-ww", "-z", join(installed, man[0])], project.directory);
  expect(output).toBe("");
});

it("has a unit that systemd takes without a word, and finds well confined", () => {
  // A template is looked at by the name of an instance, beside its file.
  const unit = join(project.directory, "wasmguard@wg0.service");
  cpSync(join(installed, "packaging/systemd/wasmguard@.service"), join(project.directory, "wasmguard@.service"));
  const verify = ["verify", "--man=no", "--recursive-errors=one", unit];
  expect(run("systemd-analyze", verify, project.directory).output).toBe("");
  const security = ["security", "--offline=true", `--threshold=${EXPOSURE_LIMIT * 10}`, "--no-pager"];
  run("systemd-analyze", [...security, join(project.directory, "wasmguard@.service")], project.directory);
});

it("names the user that systemd-sysusers makes, as the daemon looks for it", () => {
  const file = join(installed, "packaging/sysusers.d/wasmguard.conf");
  expect(readFileSync(file, "utf8")).toMatch(/^u\s+wasmguard\s/m);
  run("systemd-sysusers", ["--dry-run", file], project.directory);
});

it.each(["bash", "zsh", "fish"])("prints completions for %s", (shell) => {
  const command = join(installed, "bin/wasmguard.js");
  const { stdout } = run(process.execPath, [command, "completion", shell], project.directory);
  expect(stdout).toContain("wasmguard");
});
