/** The completions, asked of the shells themselves. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { completionScript } from "../../../host/cli/completion.ts";
import { commandHelp, mainHelp } from "../../../host/cli/help.ts";

interface Shell {
  readonly name: string;
  readonly args: readonly string[];
  /** What stands before the script. */
  readonly before: string;
  /** What asks for completions of the last word. */
  ask(words: readonly string[]): string;
}

/** What `ls` says: a tunnel that runs, and a configuration. */
const LISTING = "printf '%s\\n' wg-up.sock wg-waits.conf";
const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

const BASH: Shell = {
  name: "bash",
  args: ["--norc"],
  before: `ls() { ${LISTING}; }; compopt() { :; }`,
  ask: (words) => `
COMP_WORDS=(wasmguard ${quoted(words)}); COMP_CWORD=${words.length}
_wasmguard; printf '%s\\n' "\${COMPREPLY[@]}"`,
};
/** As zsh does it when a key is pressed, which takes a terminal. */
const ZSH: Shell = {
  name: "zsh",
  args: ["-f"],
  before: `autoload -U compinit && compinit -u; ls() { ${LISTING}; }`,
  ask: (words) => `
words=(wasmguard ${quoted(words)}); CURRENT=$#words
compadd() { print -rl -- \${(M)matches:#$words[CURRENT]*}; }
_bash_complete -F _wasmguard`,
};
const FISH: Shell = {
  name: "fish",
  args: ["--no-config"],
  before: `function ls; ${LISTING}; end`,
  ask: (words) => `complete -C 'wasmguard ${words.join(" ")}'`,
};

const home = mkdtempSync(join(tmpdir(), "wasmguard-completion-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function run(shell: Shell, script: string) {
  const env = { PATH: process.env.PATH, HOME: home };
  return spawnSync(shell.name, [...shell.args, "-c", script], { encoding: "utf8", cwd: home, env, timeout: 30_000 });
}

/** What a shell offers for the last of these words, in order of the alphabet. */
function offered(shell: Shell, ...words: string[]): string[] {
  const script = [shell.before, completionScript([shell.name]), shell.ask(words)].join("\n");
  const { stdout, stderr, status } = run(shell, script);
  expect([status, stderr]).toEqual([0, ""]);
  return [...new Set(stdout.split("\n").filter((line) => line !== ""))].sort();
}

describe.each([BASH, ZSH, FISH])("in $name", (shell) => {
  const isMissing = run(shell, "").error !== undefined;

  it("commands, options and tunnels are completed", (context) => {
    if (isMissing) return context.skip(`there is no ${shell.name}: run scripts/install-test-tools.sh`);
    expect(offered(shell, "showc")).toEqual(["showconf"]);
    expect(offered(shell, "--fore")).toEqual(["--foreground"]);
    expect(offered(shell, "completion", "")).toEqual(["bash", "fish", "zsh"]);
    expect(offered(shell, "proxy", "office.conf", "--soc")).toEqual(["--socks"]);
    expect(offered(shell, "showconf", "wg-")).toEqual(["wg-up"]);
    expect(offered(shell, "down", "wg-")).toEqual(["wg-up"]);
    expect(offered(shell, "up", "wg-")).toEqual(["wg-waits"]);
  });

  it("every command that the help names is known", (context) => {
    if (isMissing) return context.skip(`there is no ${shell.name}: run scripts/install-test-tools.sh`);
    const named = mainHelp()
      .replace(/^.*Commands:\n|\nOptions:.*$/gs, "")
      .split("\n")
      .flatMap((line) => line.slice(2, 27).match(/(?<![.\w])[a-z]+(?![.\w])/g) ?? []);
    expect(named.length).toBeGreaterThan(6);
    expect(offered(shell, "")).toEqual(expect.arrayContaining(named));
  });
});

it("show has an option of its own", () => {
  expect(offered(BASH, "show", "--")).toEqual(["--stats"]);
});

it("a shell that is not known is a usage error", () => {
  for (const args of [["tcsh"], [], ["bash", "more"]]) {
    expect(() => completionScript(args)).toThrow(expect.objectContaining({ exitCode: 2 }));
  }
  expect(commandHelp("completion")).toContain("completion bash");
});
