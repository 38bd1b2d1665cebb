/** What the command's help may hold. */
import { expect, it } from "vitest";
import { COMMANDS, commandHelp, mainHelp } from "../../host/cli/help.ts";

it("help is in ASCII: troff, and terminals of any locale, show nothing else for sure", () => {
  for (const text of [mainHelp(), ...COMMANDS.map(commandHelp)]) expect(text).toMatch(/^[\n -~]*$/);
});
