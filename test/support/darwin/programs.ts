/**
 * ifconfig, route, netstat and networksetup of a Mac of the stand-in, as far as `up` and `down` use them: the words that they take, and how
 * they print. What is no line of theirs fails. route ends well also where it is refused, and so may networksetup.
 */
import type { Programs } from "../../../host/cli/quick/macos/programs.ts";
import { ROUTE } from "../../../host/ffi/darwin/constants.ts";
import { insist } from "./errno.ts";
import type { Interface, Mac } from "./mac.ts";

type Family = "inet" | "inet6";

export interface RouteEntry {
  readonly destination: string;
  readonly gateway: string;
  readonly flags: string;
  readonly device: string;
}

export interface Service {
  servers: readonly string[];
  search: readonly string[];
  /** Whether it is switched on. */
  readonly state: "on" | "off";
  /** For tests: what is said instead of its settings. */
  error?: string | undefined;
}

class ProgramFailure extends Error {}

function fail(why: string): never {
  throw new ProgramFailure(why);
}

export class MacPrograms implements Programs {
  readonly mac: Mac;
  readonly routes: Record<Family, RouteEntry[]> = { inet: [], inet6: [] };
  readonly services = new Map<string, Service>();
  /** By interface: as ifconfig prints them. */
  readonly addresses = new Map<string, string[]>();
  /** What changed something, in order. */
  readonly changes: string[] = [];
  /** For tests: commands that fail, as their first words. */
  fails: string | undefined;
  /** For tests: what is done before a command, if it does not throw. */
  before: (command: string) => void = () => {};
  /** For tests: what is done when the daemon is there. */
  started: () => void = () => {};
  /** What `wasmguard OPTIONS utun` does. */
  readonly #start: (options: readonly string[]) => Promise<void>;
  /** As netstat of releases before macOS 10.15 prints IPv4. */
  columns: "new" | "old" = "new";

  constructor(mac: Mac, start: (options: readonly string[]) => Promise<void>) {
    this.mac = mac;
    this.#start = start;
  }

  ask = async (...command: string[]): Promise<string> => {
    try {
      return this.#execute(command);
    } catch (error) {
      if (error instanceof ProgramFailure) return "";
      throw error;
    }
  };

  run = async (command: readonly string[]): Promise<void> => {
    this.changes.push(command.join(" "));
    this.#execute(command);
  };

  runAs = async (shown: string): Promise<void> => {
    const [program, ...words] = shown.split(" ");
    insist(program === "wasmguard" && words.pop() === "utun", shown);
    await this.#start(words);
  };

  attempt = async (command: readonly string[]): Promise<void> => {
    await this.run(command).catch(() => {});
  };

  /** As a router or a cable brings it. @param gateway undefined: none */
  setGateway(family: Family, gateway: string | undefined): void {
    const table = this.routes[family];
    const others = table.filter(({ destination, device }) => destination !== "default" || device !== "en0");
    const own = gateway === undefined ? [] : [{ destination: "default", gateway, flags: "UGScg", device: "en0" }];
    this.routes[family] = [...own, ...others];
    this.mac.tell(ROUTE.RTM_ADD, 4);
  }

  #execute(command: readonly string[]): string {
    const [program, ...words] = command;
    const line = command.join(" ");
    this.before(line);
    if (this.fails !== undefined && line.startsWith(this.fails)) {
      if (line.startsWith("route -q -n add")) return `add net ${words[4]}: File exists\n`;
      fail("is made to");
    }
    switch (program) {
      case "ifconfig":
        return this.#ifconfig(words);
      case "netstat":
        return this.#netstat(words);
      case "route":
        return this.#route(words);
      case "networksetup":
        return this.#networksetup(words);
      default:
        return fail(`there is no ${program}`);
    }
  }

  #interface(name: string): Interface {
    return this.mac.interfaces.find((one) => one.name === name) ?? fail(`interface ${name} does not exist`);
  }

  #ifconfig([name = "", ...words]: readonly string[]): string {
    const one = this.#interface(name);
    if (words.length === 0) return this.#describe(one);
    const line = words.join(" ");
    const own = this.addresses.get(name) ?? [];
    this.addresses.set(name, own);
    const [, four, bits, end] = /^inet ([\d.]+)\/(\d+) ([\d.]+) alias$/.exec(line) ?? [];
    const [, six] = /^inet6 ([\da-f:]+\/\d+) alias$/.exec(line) ?? [];
    if (four !== undefined) {
      insist(end === four, "the other end");
      const mask = (0xffffffff << (32 - Number(bits))) >>> 0;
      own.push(`inet ${four} --> ${end} netmask 0x${mask.toString(16).padStart(8, "0")}`);
    } else if (six !== undefined) {
      const [address = "", length] = six.split("/");
      own.push(`inet6 ${address}${address.startsWith("fe80:") ? `%${name}` : ""} prefixlen ${length}`);
    } else if (/^mtu \d+$/.test(line)) this.mac.configure(name, { mtu: Number(words[1]) });
    else if (line === "up") this.mac.configure(name, { up: true });
    else fail(line);
    return "";
  }

  #describe({ name, up, mtu }: Interface): string {
    const lines = [`${name}: flags=8051<${up ? "UP," : ""}POINTOPOINT,RUNNING,MULTICAST> mtu ${mtu}`];
    if (name.startsWith("utun")) lines.push(`\tinet6 fe80::aede:48ff:fe00:1122%${name} prefixlen 64 scopeid 0x10`);
    return [...lines, ...(this.addresses.get(name) ?? []).map((line) => `\t${line}`), ""].join("\n");
  }

  /** Routes of interfaces that have gone went with them. */
  present(family: Family): RouteEntry[] {
    const there = new Set(["lo0", ...this.mac.interfaces.map(({ name }) => name)]);
    return this.routes[family].filter(({ device }) => there.has(device));
  }

  #netstat(words: readonly string[]): string {
    const family = words[2] as Family;
    insist(words.join(" ") === `-nr -f ${family}`, "netstat");
    const isOld = family === "inet" && this.columns === "old";
    const heads = isOld ? "Destination Gateway Flags Refs Use Netif Expire" : "Destination Gateway Flags Netif Expire";
    const rows = this.present(family).map(({ destination, gateway, flags, device }) =>
      [destination, gateway, flags, ...(isOld ? ["12", "0"] : []), device].join("   "),
    );
    return ["Routing tables", "", family === "inet" ? "Internet:" : "Internet6:", heads, ...rows, ""].join("\n");
  }

  #route(words: readonly string[]): string {
    const line = words.join(" ");
    const [, asked, prefix = ""] = /^-n get -(inet6?) (\S+)$/.exec(line) ?? [];
    if (asked !== undefined) {
      return this.#ask(asked as Family, prefix);
    }
    const [, verb, name, destination = "", way = ""] =
      /^-q -n (add|delete) -(inet6?) (\S+)(?: (.+))?$/.exec(line) ?? fail(line);
    const family = name as Family;
    const others = this.present(family).filter((one) => one.destination !== destination);
    const isThere = others.length < this.present(family).length;
    if (verb === "delete") {
      if (!isThere) return `delete net ${destination}: not in table\n`;
      this.routes[family] = others;
      return "";
    }
    if (isThere) return `add net ${destination}: File exists\n`;
    this.routes[family] = [...others, this.#entry(destination, way)];
    return "";
  }

  /** The most specific one is the same, as far as tests go, or the default. */
  #ask(family: Family, destination: string): string {
    const routes = this.present(family);
    const route =
      routes.find((one) => one.destination === destination) ?? routes.find((one) => one.destination === "default");
    if (route === undefined) return fail("not in table");
    const flags = `<UP,${route.flags.includes("W") ? "HOST,WASCLONED" : "DONE,STATIC"}>`;
    const lines = [
      `   route to: ${destination}`,
      `destination: ${route.destination}`,
      `    gateway: ${route.gateway}`,
      `  interface: ${route.device}`,
      `      flags: ${flags}`,
      " recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire",
      "       0         0         0         0         0         0      1500         0 ",
    ];
    return `${lines.join("\n")}\n`;
  }

  #entry(destination: string, way: string): RouteEntry {
    const [, device] = /^-interface (\S+)$/.exec(way) ?? [];
    if (device !== undefined)
      return { destination, gateway: device, flags: "USc", device: this.#interface(device).name };
    const [, gateway] = /^-gateway (\S+)$/.exec(way) ?? [];
    if (gateway !== undefined) return { destination, gateway, flags: "UGHS", device: "en0" };
    const [, loopback = fail(way)] = /^(127\.0\.0\.1|::1) -blackhole$/.exec(way) ?? [];
    return { destination, gateway: loopback, flags: "UGHSB", device: "lo0" };
  }

  #networksetup([verb, name = "", ...values]: readonly string[]): string {
    if (verb === "-listallnetworkservices") {
      const list = [...this.services].map(([service, { state }]) => `${state === "off" ? "*" : ""}${service}`);
      return ["An asterisk (*) denotes that a network service is disabled.", ...list, ""].join("\n");
    }
    const service = this.services.get(name) ?? fail(`${name} is not a recognized network service.`);
    const told = (list: readonly string[], what: string): string =>
      service.error ?? (list.length > 0 ? `${list.join("\n")}\n` : `There aren't any ${what} set on ${name}.\n`);
    const given = values.join() === "Empty" ? [] : values;
    switch (verb) {
      case "-getdnsservers":
        return told(service.servers, "DNS Servers");
      case "-getsearchdomains":
        return told(service.search, "Search Domains");
      case "-setdnsservers":
        insist(values.length > 0, "servers");
        service.servers = given;
        return "";
      case "-setsearchdomains":
        insist(values.length > 0, "domains");
        service.search = given;
        return "";
      default:
        return fail(`${verb}`);
    }
  }
}
