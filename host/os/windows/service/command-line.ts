/** Words to the command line of a process of Windows, which takes it apart again as CommandLineToArgvW does (its rules of backslashes and quotes). */

function quoted(word: string): string {
  // Backslashes stand for themselves but before a quote, where they are doubled.
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`;
}

/** The program is always in quotes: without, Windows would try C:\Program.exe before C:\Program Files\… */
export function commandLine(program: string, args: readonly string[]): string {
  return [quoted(program), ...args.map((arg) => (/^[^\s"]+$/.test(arg) ? arg : quoted(arg)))].join(" ");
}
