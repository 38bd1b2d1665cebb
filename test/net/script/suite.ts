/** Makes vitest tests of scripts: one for each script and family that it is for. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { parseScripts } from "./parse.ts";
import { familiesOf, runScript } from "./run.ts";

/** @param name for the tests  @param text of scripts */
export function describeScripts(name: string, text: string): void {
  describe(name, () => {
    for (const script of parseScripts(text)) {
      for (const family of familiesOf(script)) {
        it(`${script.name} (IPv${family})`, () => runScript(script, family));
      }
    }
  });
}

/** @param topic a file of test/net/scripts, without its ending */
export function describeTopic(topic: string): void {
  describeScripts(topic, readFileSync(new URL(`../scripts/${topic}.script`, import.meta.url), "utf8"));
}
