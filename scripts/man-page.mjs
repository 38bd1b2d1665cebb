// Writes packaging/man/wasmguard.1 from the help texts and option tables, so that it says what `wasmguard --help` says.
// Usage: man-page.mjs [--check]   (npm run man; with --check: exit code 1 when the page is not up to date)
import { readFileSync, writeFileSync } from "node:fs";
import { COMMANDS, commandHelp } from "../host/cli/help.ts";
import { COMMON_OPTIONS, DAEMON_OPTIONS } from "../host/cli/option-table.ts";
import { PROXY_OPTIONS } from "../host/cli/proxy/options.ts";

const PAGE = new URL("../packaging/man/wasmguard.1", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** For troff: backslashes and hyphens are to be seen as they are, and a dot or quote at a line's start is no request. */
const literal = (text) =>
  text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
const bold = (text) => `\\fB${literal(text)}\\fR`;
const italic = (text) => `\\fI${literal(text)}\\fR`;
const literally = (text) => `.nf\n${literal(text.trimEnd())}\n.fi`;

function options(rows) {
  return Object.entries(rows).map(([name, { short, value, help }]) => {
    const names = [short && bold(`-${short}`), bold(`--${name}`)].filter(Boolean).join(", ");
    return `.TP\n${names}${value ? ` ${italic(value)}` : ""}\n${literal(help)}`;
  });
}

/** Its usage lines, and what follows them. */
function command(name) {
  const [usage, ...rest] = commandHelp(name).split("\n\n");
  const text = rest.join("\n\n").trimEnd();
  return [
    `.SS ${name}`,
    literally(usage.replace(/^Usage: | {7}/gm, "")),
    ...(text === "" ? [] : [".PP", literally(text)]),
  ];
}

/** A paragraph of a help text that begins with this word. */
function part(help, heading) {
  const from = help.indexOf(`\n${heading}:\n`);
  if (from < 0) throw new Error(`the help has no part "${heading}"`);
  const begin = from + heading.length + 3;
  const end = help.indexOf("\n\n", begin);
  return literally(help.slice(begin, end < 0 ? undefined : end).replace(/^ {2}/gm, ""));
}

const main = commandHelp("");
const proxy = commandHelp("proxy");
const [proxyUsage, proxyText] = proxy.split("\n\n");

const page = `.\\" Written by scripts/man-page.mjs. Do not edit.
.TH WASMGUARD 1 "" "wasmguard ${version}" "User Commands"
.SH NAME
wasmguard \\- WireGuard in userspace: daemon, configuration and proxies
.SH SYNOPSIS
.nf
${bold("wasmguard")} [${italic("OPTIONS")}] ${italic("NAME")}
${bold("wasmguard")} ${italic("COMMAND")} [${italic("ARGUMENTS")}]
.fi
.SH DESCRIPTION
${bold("wasmguard")} ${italic("NAME")} starts a WireGuard tunnel: a TUN device of that name, and a socket in /var/run/wireguard through which
.BR wg (8)
configures it. It returns when both are there, and the daemon stays in the background, where it has given up its rights.
${bold("wasmguard up")} configures the tunnel as well, as
.BR wg\\-quick (8)
does. ${bold("wasmguard proxy")} needs neither root nor a device.
.PP
A tunnel with the name of a command is started by ${bold("wasmguard --")} ${italic("NAME")}.
.SH OPTIONS
${options({ ...DAEMON_OPTIONS, ...COMMON_OPTIONS }).join("\n")}
.SH COMMANDS
${COMMANDS.filter((name) => name !== "proxy")
  .flatMap(command)
  .join("\n")}
.SS proxy
${literally(proxyUsage.replace("Usage: ", ""))}
.PP
${literal(proxyText)}
${options({ ...PROXY_OPTIONS, ...COMMON_OPTIONS }).join("\n")}
.SH ENVIRONMENT
${part(main, "Environment")}
.SH FILES
.TP
.I /etc/wireguard/NAME.conf
a configuration, which ${bold("up")} and its like find by its name
.TP
.I /var/run/wireguard/NAME.sock
the configuration socket of a running tunnel
.TP
.I /run/wireguard/NAME.metrics\\-token
what clients of ${bold("--metrics")} with a port have to show
.SH EXIT STATUS
0 when it was done, 1 when it failed, 2 when the command line makes no sense: the last line on standard error says why, and what to do.
.SH EXAMPLES
${part(main, "Examples")}
${part(proxy, "Examples")}
.SH SEE ALSO
.BR wg (8),
.BR wg\\-quick (8),
.BR systemd.unit (5)
`;

if (process.argv[2] !== "--check") writeFileSync(PAGE, page);
else if (readFileSync(PAGE, "utf8") !== page) {
  console.error("packaging/man/wasmguard.1 is not what the help texts say: npm run man");
  process.exitCode = 1;
}
