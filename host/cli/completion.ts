/** `wasmguard completion SHELL`: a script for bash, zsh or fish, made of the tables that the help is made of. */
import { UsageError } from "./command-errors.ts";
import { COMMANDS as DESCRIBED } from "./help.ts";
import { COMMON_OPTIONS, DAEMON_OPTIONS } from "./option-table.ts";
import { print } from "./print.ts";
import { PROXY_OPTIONS } from "./proxy/options.ts";

const COMMANDS = [...DESCRIBED, "help"];
const SHELLS = { bash, zsh, fish } as const;
/** Tunnels that run have a socket; configurations that wait for `up` a file. */
const TUNNELS = "ls /var/run/wireguard 2>/dev/null | sed -n 's/\\.sock$//p'";
const CONFIGURATIONS = "ls /etc/wireguard 2>/dev/null | sed -n 's/\\.conf$//p'";

const long = (table: object): string[] => Object.keys(table).map((name) => `--${name}`);
const options = (): string[] => long({ ...DAEMON_OPTIONS, ...COMMON_OPTIONS });
const proxyOptions = (): string[] => long(PROXY_OPTIONS);

function bash(): string {
  return `# bash completion of wasmguard: source <(wasmguard completion bash)
_wasmguard() {
  local word=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} words=
  if ((COMP_CWORD == 1)); then
    words="${[...COMMANDS, ...options()].join(" ")} $(${TUNNELS})"
  else
    case $command in
      show) words="all interfaces --stats $(${TUNNELS})" ;;
      showconf) words=$(${TUNNELS}) ;;
      up | strip) words=$(${CONFIGURATIONS}); compopt -o default ;;
      proxy) words="${proxyOptions().join(" ")}"; compopt -o default ;;
      down | save) words=$(${TUNNELS}); compopt -o default ;;
      service) words="install start stop uninstall" ;;
      help) words="${COMMANDS.join(" ")}" ;;
      completion) words="${Object.keys(SHELLS).join(" ")}" ;;
      -*) words="${options().join(" ")}" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _wasmguard wasmguard
`;
}

/** zsh reads bash's completions. */
function zsh(): string {
  return `#compdef wasmguard
# zsh completion of wasmguard, after compinit: source <(wasmguard completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash()
  .replace(/^#.*\n/, "")
  .replaceAll("; compopt -o default", "")}`;
}

function fish(): string {
  const first = "test (count (commandline -opc)) -eq 1";
  const after = (command: string): string => `__fish_seen_subcommand_from ${command}`;
  /** Quoted for now: fish takes `$` in double quotes for a variable, and runs it when it completes. */
  const output = (command: string): string => `"(${command.replace(/[\\"$]/g, "\\$&")})"`;
  const lines = [
    "# fish completion of wasmguard: wasmguard completion fish | source",
    `complete -c wasmguard -f -n '${first}' -a '${COMMANDS.join(" ")}'`,
    ...options().map((option) => `complete -c wasmguard -n '${first}' -l ${option.slice(2)}`),
    `complete -c wasmguard -f -n '${after("show showconf")}' -a ${output(TUNNELS)}`,
    `complete -c wasmguard -F -n '${after("up strip")}' -a ${output(CONFIGURATIONS)}`,
    `complete -c wasmguard -F -n '${after("proxy")}'`,
    ...proxyOptions().map((option) => `complete -c wasmguard -n '${after("proxy")}' -l ${option.slice(2)}`),
    `complete -c wasmguard -F -n '${after("down save")}' -a ${output(TUNNELS)}`,
    `complete -c wasmguard -f -n '${after("service")}' -a 'install start stop uninstall'`,
    `complete -c wasmguard -f -n '${after("help")}' -a '${COMMANDS.join(" ")}'`,
    `complete -c wasmguard -f -n '${after("completion")}' -a '${Object.keys(SHELLS).join(" ")}'`,
  ];
  return `${lines.join("\n")}\n`;
}

/** @throws UsageError */
export function completionScript(args: readonly string[]): string {
  const [shell = "", extra] = args;
  if (!Object.hasOwn(SHELLS, shell) || extra !== undefined) {
    throw new UsageError("completion takes the name of a shell", "Try: wasmguard completion bash | zsh | fish");
  }
  return SHELLS[shell as keyof typeof SHELLS]();
}

export async function completion(args: readonly string[]): Promise<number> {
  print(completionScript(args));
  return 0;
}
