/** The completions, asked of the shells themselves. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { completionScript } from "../../../host/cli/completion.ts";
import { commandHelp, mainHelp } from "../../../host/cli/help.ts";

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript(["bash"])}
COMP_WORDS=(wasmguard ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
compopt() { :; }
_wasmguard; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status, stderr } = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("in bash", () => {
  it("commands and options are completed", () => {
    expect(offered("show")).toEqual(["show", "showconf"]);
    expect(offered("--fore")).toEqual(["--foreground"]);
    expect(offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(offered("show", "--")).toEqual(["--stats"]);
    expect(offered("proxy", "office.conf", "--soc")).toEqual(["--socks"]);
  });

  it("every command that the help names is known", () => {
    const named = mainHelp()
      .replace(/^.*Commands:\n|\nOptions:.*$/gs, "")
      .split("\n")
      .flatMap((line) => line.slice(2, 27).match(/(?<![.\w])[a-z]+(?![.\w])/g) ?? []);
    expect(named.length).toBeGreaterThan(6);
    for (const command of named) expect(offered(command), command).toContain(command);
  });
});

it("a shell that is not known is a usage error", () => {
  for (const args of [["tcsh"], [], ["bash", "more"]]) {
    expect(() => completionScript(args)).toThrow(expect.objectContaining({ exitCode: 2 }));
  }
  expect(commandHelp("completion")).toContain("completion bash");
});

it.each(["zsh", "fish"])("there is a script for %s", (shell) => {
  expect(completionScript([shell])).toMatch(shell === "zsh" ? /^#compdef wasmguard/ : /complete -c wasmguard/);
});
