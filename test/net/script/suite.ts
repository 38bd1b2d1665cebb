/** Makes vitest tests of scripts: one for each script and family that it is for. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { parseScripts } from "./parse.ts";
import { familiesOf, runScript, type Setup } from "./run.ts";

/** @param name for the tests  @param text of scripts */
export function describeScripts(name: string, text: string, setup?: Setup): void {
  describe(name, () => {
    for (const script of parseScripts(text)) {
      for (const family of familiesOf(script)) {
        it(`${script.name} (IPv${family})`, () => runScript(script, family, setup));
      }
    }
  });
}

/** @param topic a file of test/net/scripts, without its ending */
export function describeTopic(topic: string, setup?: Setup): void {
  describeScripts(topic, readFileSync(new URL(`../scripts/${topic}.script`, import.meta.url), "utf8"), setup);
}
