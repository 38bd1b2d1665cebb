/** Help texts. Options come from the table, so that no option can be missing here. */
import {
  COMMON_OPTIONS,
  DAEMON_OPTIONS,
  type OptionRow,
  SERVICE_OPTIONS,
  WINDOWS_QUICK_OPTIONS,
} from "./option-table.ts";
import { PROXY_OPTIONS } from "./proxy/options.ts";

const COLUMN = 26;
const PROXY_COLUMN = 38;

function optionLines(rows: Record<string, OptionRow>, column = COLUMN): string {
  const line = ([name, row]: [string, OptionRow]): string => {
    const long = `--${name}${row.value ? ` ${row.value}` : ""}`;
    const left = row.short ? `  -${row.short}, ${long}` : `      ${long}`;
    return `${left.padEnd(column)} ${row.help}\n`;
  };
  return Object.entries(rows).map(line).join("");
}

const SHOW_FIELDS_HELP =
  "public-key | private-key | listen-port | fwmark | peers | preshared-keys | endpoints |\n" +
  "        allowed-ips | latest-handshakes | transfer | persistent-keepalive | dump";

const COMMAND_HELP: Record<string, string> = {
  show: `Usage: wasmguard show [NAME | all | interfaces] [FIELD]
       wasmguard show [NAME | all] --stats

Prints a tunnel's state as \`wg show\` does; with --stats every counter that the daemon keeps.
FIELD:  ${SHOW_FIELDS_HELP}

WG_COLOR_MODE=always|never   colours; without it they appear on a terminal only
WG_HIDE_KEYS=never           print secret keys instead of (hidden)
`,
  showconf: `Usage: wasmguard showconf NAME

Prints a tunnel's configuration, secret keys included, as \`wg showconf\` does.
`,
  up: `Usage: wasmguard up FILE.conf | NAME

Starts a tunnel and sets its addresses, MTU, routes and DNS, as \`wg-quick up\` does.
NAME stands for /etc/wireguard/NAME.conf, but on Windows for nothing. What FILE.conf is does not matter: it may be a FIFO, or a link to /dev/fd/N.
Hooks run in bash, with %i replaced by the interface's name, and with $INTERFACE and $CONFIG_FILE.
On macOS, where nobody has run it, the system names the interface; DNS and routes to endpoints follow the network
in the background.

On Windows (experimental, for up, down and save):
${optionLines(WINDOWS_QUICK_OPTIONS)}
WG_QUICK_USERSPACE_IMPLEMENTATION=PROGRAM   start PROGRAM NAME instead of wasmguard
WG_ENDPOINT_RESOLUTION_RETRIES=N|infinity   tries for an endpoint's host name (15)
`,
  down: `Usage: wasmguard down FILE.conf | NAME

Takes down what \`wasmguard up\` or \`wg-quick up\` set up; after a crash, what that left: rules, filters, DNS.
`,
  save: `Usage: wasmguard save FILE.conf | NAME

Writes a tunnel's present state into its configuration file, as \`wg-quick save\` does.
`,
  strip: `Usage: wasmguard strip FILE.conf | NAME

Prints a configuration, secret keys included, without what only \`up\` understands, as \`wg-quick strip\` does:
wg syncconf wg0 <(wasmguard strip wg0)
`,
  genkey: "Usage: wasmguard genkey > FILE\n\nPrints a new private key, base64.\n",
  genpsk: "Usage: wasmguard genpsk > FILE\n\nPrints a new preshared key, base64.\n",
  pubkey: "Usage: wasmguard pubkey < FILE\n\nReads a private key, base64, and prints its public key.\n",
  completion: `Usage: wasmguard completion bash | zsh | fish

Prints a script that completes commands, options and names of tunnels:
  source <(wasmguard completion bash)        in ~/.bashrc; likewise for zsh in ~/.zshrc
  wasmguard completion fish | source         in ~/.config/fish/config.fish
`,
  proxy: `Usage: wasmguard proxy FILE.conf [OPTIONS]

Lets other programs into a tunnel, without root and without an interface. FILE.conf is a wg-quick configuration, - being
standard input; it may have the sections of wireproxy. Names are looked up on the far side. Hosts are 127.0.0.1 unless given.

${optionLines({ ...PROXY_OPTIONS, ...COMMON_OPTIONS }, PROXY_COLUMN)}
Examples:
  wasmguard proxy office.conf --socks 1080 --http 8080 -L 5432:db.internal:5432
  curl -x socks5h://127.0.0.1:1080 http://wiki.internal/
  ssh -o ProxyCommand='wasmguard proxy office.conf -W %h:%p' git.internal
`,
  service: `Usage: wasmguard service install FILE.conf | NAME [OPTIONS]
       wasmguard service start | stop | uninstall NAME

Windows (experimental), as administrator: a tunnel as a service, wasmguard-NAME, which starts with the system. OPTIONS are those of
the daemon. Each time it starts it is set up as FILE.conf says, as by \`up\`: keys and peers, addresses, MTU, DNS and routes. What a log
would have is in Windows' log of events, under the service's name. On other systems their own managers run the daemon.

${optionLines(SERVICE_OPTIONS)}`,
  demo: `Usage: wasmguard demo

As root: two network namespaces, two wasmguard daemons, a handshake, pings over IPv4 and IPv6 and a bulk
transfer between them; everything is removed at the end. Without root (or iproute2, or /dev/net/tun) the same
in one process, over loopback UDP and in-memory TUN devices.
`,
};

/** All but `help`, which is about them. */
export const COMMANDS = Object.keys(COMMAND_HELP);

export function commandHelp(command: string): string {
  return (Object.hasOwn(COMMAND_HELP, command) ? COMMAND_HELP[command] : undefined) ?? mainHelp();
}

export function mainHelp(): string {
  return `Usage: wasmguard [OPTIONS] NAME        start the tunnel NAME (in the background)
       wasmguard COMMAND [ARGUMENTS]

Commands:
  show [NAME] [FIELD]        print tunnels as \`wg show\` does
  showconf NAME              print a tunnel's configuration
  up FILE.conf | NAME        start and configure a tunnel as \`wg-quick up\` does
  down FILE.conf | NAME      take it down
  save FILE.conf | NAME      write its present state into the file
  strip FILE.conf | NAME     print the part that \`wg setconf\` understands
  service VERB NAME          Windows: install, start, stop, uninstall a tunnel as a service
  proxy FILE.conf            SOCKS5 and HTTP proxies and forwards into a tunnel, without root
  genkey | genpsk | pubkey   make keys
  completion SHELL           print completions for bash, zsh or fish
  demo                       show two tunnels talking, on this machine
  help COMMAND               more about a command

Options:
${optionLines({ ...DAEMON_OPTIONS, ...COMMON_OPTIONS })}
Environment:
  LOG_LEVEL=verbose|error|silent      what to log (error); "debug" is the same as "verbose".
                                      In the background the log is kept only when LOG_LEVEL is set
  WG_TUN_FD, WG_UAPI_FD               open descriptors, as the options
  WG_PROCESS_FOREGROUND=1             as --foreground
  NOTIFY_SOCKET=SOCKET                a service manager's: it is told when the daemon is ready, and when it ends
  WG_TUN_NAME_FILE=FILE               macOS: where the device's name is written, which the system gives

On macOS the daemon has never been run, only tried against a stand-in for the system (docs/PLATFORMS.md). Devices are
called utun there, or utun7; nothing confines it, which it wants to hear: --no-confine.

Examples:
  wasmguard wg0 && wg setconf wg0 wg0.conf && ip link set wg0 up
  LOG_LEVEL=verbose wasmguard -f wg0
  WG_QUICK_USERSPACE_IMPLEMENTATION=wasmguard wg-quick up ./wg0.conf
  wasmguard up ./wg0.conf
  (umask 077; wasmguard genkey | tee private.key | wasmguard pubkey > public.key)

A tunnel with the name of a command is started by: wasmguard -- NAME
`;
}
