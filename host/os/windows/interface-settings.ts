/**
 * Addresses, routes, MTU and DNS of an interface by IP Helper (<netioapi.h>), set as WireGuard for Windows sets them: routes on the link, and
 * where a default route is among them the interface before all others (`comeFirst`). All of it but DNS goes with the interface.
 */
import type { AllowedIp } from "../../address/allowed-ip.ts";
import { formatAddress } from "../../address/ip.ts";
import { DNS, ERROR, NEIGHBOURS } from "../../ffi/windows/constants.ts";
import {
  DNS_INTERFACE_SETTINGS,
  MIB_IPFORWARD_ROW2,
  MIB_IPINTERFACE_ROW,
  MIB_UNICASTIPADDRESS_ROW,
} from "../../ffi/windows/layout.ts";
import type { IpHelperCalls, Win32 } from "../../ffi/windows/win32.ts";
import {
  AddressTakenError,
  AdministratorError,
  DnsUnsettableError,
  IpHelperError,
  WindowsError,
} from "../../ffi/windows/windows-errors.ts";
import { BestRoute } from "./best-route.ts";
import { type Family, familyOf, readInetAddress, writeInetAddress } from "./inet-address.ts";
import { changeInterfaceRow, readInterfaceRow } from "./interface-row.ts";
import { tableRows } from "./mib-table.ts";

const FOREVER = 0xffffffff;
/** Metrics of an interface, the largest that `netsh` takes. */
const FIRST = 0;
const LAST = 9999;
const UNSPECIFIED = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const;
/** RFC 791, RFC 8200: Windows refuses less. A packet's length has 16 bits. */
const MTU_MIN = { 4: 576, 6: 1280 } as const;
const MTU_MAX = 65_535;
/** Where what lies in the scratch buffer, behind DNS_INTERFACE_SETTINGS. */
const GUID_AT = 128;
const LUID_AT = 160;
const SERVERS_AT = 1024;
const DOMAINS_AT = 8192;

function check(call: string, error: number, subject: string): void {
  if (error === 0) return;
  const cause = new WindowsError(call, error, subject);
  throw error === ERROR.ERROR_ACCESS_DENIED ? new AdministratorError("set up network interfaces", cause) : cause;
}

const possibleMtu = (bytes: number, family: Family): number => Math.min(Math.max(bytes, MTU_MIN[family]), MTU_MAX);

const textOf = ({ address, prefix }: AllowedIp): string => `${formatAddress(address)}/${prefix}`;

/** @returns undefined where there is no interface of this name @throws WindowsError */
export function findInterface(win: Win32, name: string): InterfaceSettings | undefined {
  const error = win.network.ConvertInterfaceAliasToLuid(win.text(name, SERVERS_AT), win.scratch.at(0));
  if (error !== 0) return undefined;
  return new InterfaceSettings(win, name, win.scratch.view.getBigUint64(0, true));
}

export class InterfaceSettings {
  readonly #win: Win32;
  readonly #name: string;
  readonly #luid: bigint;

  /** Use findInterface. */
  constructor(win: Win32, name: string, luid: bigint) {
    this.#win = win;
    this.#name = name;
    this.#luid = luid;
  }

  get #helper(): IpHelperCalls {
    try {
      return this.#win.ipHelper();
    } catch (cause) {
      throw new IpHelperError(cause);
    }
  }

  /** @throws AddressTakenError, AdministratorError, WindowsError, IpHelperError, as what changes anything below */
  addAddress({ address, prefix }: AllowedIp): void {
    const ROW = MIB_UNICASTIPADDRESS_ROW;
    const { scratch } = this.#win;
    this.#helper.InitializeUnicastIpAddressEntry(scratch.at(0));
    writeInetAddress(scratch, ROW.address, address);
    scratch.view.setBigUint64(ROW.luid, this.#luid, true);
    scratch.view.setUint32(ROW.validLifetime, FOREVER, true);
    scratch.view.setUint32(ROW.preferredLifetime, FOREVER, true);
    scratch.bytes[ROW.prefixLength] = prefix;
    // Nobody else is on the link who could have it: usable at once.
    scratch.view.setInt32(ROW.dadState, NEIGHBOURS.IpDadStatePreferred, true);
    const error = this.#helper.CreateUnicastIpAddressEntry(scratch.at(0));
    if (error === ERROR.ERROR_OBJECT_ALREADY_EXISTS) throw new AddressTakenError(formatAddress(address));
    check("CreateUnicastIpAddressEntry", error, textOf({ address, prefix }));
  }

  /**
   * Into the interface. One that is there already stays. Until `comeFirst` a default route is the last that Windows takes: the daemon sees it
   * before, and keeps its own datagrams out of it.
   */
  addRoute(destination: AllowedIp): void {
    const ROW = MIB_IPFORWARD_ROW2;
    const { scratch } = this.#win;
    const { address, prefix } = destination;
    const family = familyOf(address);
    if (prefix === 0) this.#setMetric(family, LAST);
    this.#helper.InitializeIpForwardEntry(scratch.at(0));
    scratch.view.setBigUint64(ROW.luid, this.#luid, true);
    writeInetAddress(scratch, ROW.prefix, address);
    scratch.bytes[ROW.prefixLength] = prefix;
    writeInetAddress(scratch, ROW.nextHop, UNSPECIFIED[family]);
    scratch.view.setUint32(ROW.metric, 0, true);
    const error = this.#helper.CreateIpForwardEntry2(scratch.at(0));
    // Windows makes those to an address and its neighbours itself.
    if (error !== ERROR.ERROR_OBJECT_ALREADY_EXISTS) check("CreateIpForwardEntry2", error, textOf(destination));
  }

  /** Default routes of this family lead into the interface from now on. */
  comeFirst(family: Family): void {
    this.#setMetric(family, FIRST);
  }

  /** The metric of a route counts on top of its interface's. */
  #setMetric(family: Family, metric: number): void {
    this.#change(family, (row) => {
      row.setUint8(MIB_IPINTERFACE_ROW.usesAutomaticMetric, 0);
      row.setUint32(MIB_IPINTERFACE_ROW.metric, metric, true);
    });
  }

  #change(family: 4 | 6, change: (row: DataView) => void): void {
    check("SetIpInterfaceEntry", changeInterfaceRow(this.#win, this.#helper, this.#luid, family, change), this.#name);
  }

  /** For both families, as near as each may have it, and what else a tunnel wants of its interface. */
  setLink(mtuBytes: number): void {
    for (const family of [4, 6] as const)
      this.#change(family, (row) => {
        row.setUint32(MIB_IPINTERFACE_ROW.mtu, possibleMtu(mtuBytes, family), true);
        // There is nobody to ask for neighbours, routers or duplicates.
        row.setUint32(MIB_IPINTERFACE_ROW.dadTransmits, 0, true);
        row.setInt32(MIB_IPINTERFACE_ROW.routerDiscovery, NEIGHBOURS.RouterDiscoveryDisabled, true);
      });
  }

  /** The largest packet that leaves in one piece on one of the ways to these addresses; undefined where Windows tells of none, or of no end. */
  outerMtu(addresses: readonly Uint8Array[]): number | undefined {
    const routes = new BestRoute(this.#win);
    const mtus = addresses.flatMap((to) => {
      const route = routes.ask({ to, interface: 0 });
      if (typeof route !== "object") return [];
      return readInterfaceRow(this.#win, this.#helper, { index: route.interface }, familyOf(to)) === 0
        ? [this.#win.scratch.view.getUint32(MIB_IPINTERFACE_ROW.mtu, true)]
        : [];
    });
    // That of loopback is 2³² − 1.
    const known = mtus.filter((mtu) => mtu <= MTU_MAX);
    return known.length === 0 ? undefined : Math.max(...known);
  }

  /** Of both families; none at all removes what was set. @throws DnsUnsettableError besides */
  setDns(servers: readonly Uint8Array[], searchDomains: readonly string[]): void {
    for (const family of [4, 6] as const) {
      const own = servers.filter((server) => familyOf(server) === family);
      this.#setDns(family, own.map(formatAddress).join(","), searchDomains.join(","));
    }
  }

  #setDns(family: 4 | 6, servers: string, domains: string): void {
    const win = this.#win;
    const { at, bytes, view } = win.scratch;
    view.setBigUint64(LUID_AT, this.#luid, true);
    check("ConvertInterfaceLuidToGuid", win.network.ConvertInterfaceLuidToGuid(at(LUID_AT), at(GUID_AT)), this.#name);
    bytes.fill(0, 0, DNS_INTERFACE_SETTINGS.BYTES);
    view.setUint32(DNS_INTERFACE_SETTINGS.version, DNS.DNS_INTERFACE_SETTINGS_VERSION1, true);
    const what = DNS.DNS_SETTING_NAMESERVER | DNS.DNS_SETTING_SEARCHLIST;
    view.setBigUint64(DNS_INTERFACE_SETTINGS.flags, family === 6 ? what | DNS.DNS_SETTING_IPV6 : what, true);
    const point = (field: number, text: string, position: number): void =>
      view.setBigUint64(field, win.base + BigInt(win.text(text, position)), true);
    point(DNS_INTERFACE_SETTINGS.nameServers, servers, SERVERS_AT);
    point(DNS_INTERFACE_SETTINGS.searchList, domains, DOMAINS_AT);
    let error: number;
    try {
      error = win.setInterfaceDns(GUID_AT, 0);
    } catch (cause) {
      throw new DnsUnsettableError(cause);
    }
    check("SetInterfaceDnsSettings", error, this.#name);
  }

  addresses(): AllowedIp[] {
    const ROW = MIB_UNICASTIPADDRESS_ROW;
    const { bytes, view } = this.#win.scratch;
    const found: AllowedIp[] = [];
    for (const _ of tableRows(this.#win, "GetUnicastIpAddressTable", 0, ROW.BYTES)) {
      if (view.getBigUint64(ROW.luid, true) !== this.#luid) continue;
      const address = readInetAddress(this.#win.scratch, ROW.address);
      if (address === undefined) continue;
      const isOurs = view.getInt32(ROW.prefixOrigin, true) === NEIGHBOURS.IpPrefixOriginManual || !isLinkLocal(address);
      if (isOurs) found.push({ address, prefix: bytes[ROW.prefixLength]! });
    }
    return found;
  }

  mtu(): number | undefined {
    for (const family of [4, 6] as const) {
      if (readInterfaceRow(this.#win, this.#helper, { luid: this.#luid }, family) !== 0) continue;
      return this.#win.scratch.view.getUint32(MIB_IPINTERFACE_ROW.mtu, true);
    }
    return undefined;
  }
}

/** Windows gives such itself (fe80::/10, 169.254.0.0/16). */
function isLinkLocal(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  return address.length === 16 ? first === 0xfe && (second & 0xc0) === 0x80 : first === 169 && second === 254;
}
