/**
 * Makes a TUN device what WireGuard's own is in the kernel (wg_open of drivers/net/wireguard/device.c): no addresses but those
 * that somebody gives it, no multicast of its own accord, and no ICMP redirects, which would send a spoke past its hub. Without
 * these a silent tunnel sends router solicitations to whoever has ::/0. Done once, while the process has the right to; a link
 * that is moved to another namespace gets that namespace's defaults there.
 */
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { SystemError } from "../../errors.ts";
import { NETLINK, SOCKET, TUN } from "../../ffi/constants.ts";
import { EAFNOSUPPORT, EOPNOTSUPP } from "../../ffi/errno.ts";
import { IFINFOMSG, NLMSGHDR, RTATTR } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";
import { openNetlink } from "./netlink.ts";
import type { LinuxTun } from "./tun.ts";

type Log = (level: "error" | "verbose", message: string) => void;

/** One for all interfaces of the namespace and one for each: the kernel sends redirects if either says so. */
const REDIRECTS_OF_ALL = "/proc/sys/net/ipv4/conf/all/send_redirects";

/** Whatever the system refuses is told in one line; the tunnel works all the same. */
export function applyLinkSettings(libc: Libc, tun: LinuxTun, log: Log): void {
  const step = (what: string, take: () => void): void => {
    try {
      take();
    } catch (error) {
      log("error", `${what}: ${error instanceof Error ? error.message : error}`);
    }
  };
  step(`${tun.name} stays as the system makes TUN devices`, () => setLink(libc, tun.index));
  step("ICMP redirects may be sent; set net.ipv4.conf.all.send_redirects to 0", stopRedirectsOfAll);
}

/** The same for a device that another program made, if it is in this network namespace, and this process may. */
export function applyLinkSettingsIfPossible(libc: Libc, tun: LinuxTun, log: Log): void {
  if (!isHere(libc, tun)) return log("verbose", "the inherited device is in another network namespace: left as it is");
  applyLinkSettings(libc, tun, (_level, message) => log("verbose", message));
}

function stopRedirectsOfAll(): void {
  let value: string;
  try {
    value = readFileSync(REDIRECTS_OF_ALL, "latin1").trim();
  } catch {
    return; // no /proc/sys to see: what it says cannot be told
  }
  if (value !== "0") writeFileSync(REDIRECTS_OF_ALL, "0");
}

/** An interface of its name at home may be another one. */
function isHere(libc: Libc, tun: LinuxTun): boolean {
  const namespace = libc.ioctlValue(tun.fd, TUN.TUNGETDEVNETNS, 0);
  if (namespace < 0) return false;
  try {
    return readlinkSync(`/proc/self/fd/${namespace}`) === readlinkSync("/proc/thread-self/ns/net");
  } catch {
    return false;
  } finally {
    libc.close(namespace);
  }
}

/** @throws SystemError */
function setLink(libc: Libc, index: number): void {
  const fd = check("socket", openNetlink(libc, 0, ["CAP_NET_ADMIN"]), "netlink");
  try {
    check("netlink", request(libc, fd, index, setIpv4), "IFLA_INET_CONF");
    const result = request(libc, fd, index, setIpv6);
    // Without IPv6 there is nothing to be set.
    if (result !== -EAFNOSUPPORT && result !== -EOPNOTSUPP) check("netlink", result, "IFLA_INET6_ADDR_GEN_MODE");
  } finally {
    libc.close(fd);
  }
}

/** Attributes within attributes: each `open` is a group, until `close`. */
class Attributes {
  readonly #view: DataView;
  readonly #open: number[] = [];
  end: number;

  constructor(view: DataView, start: number) {
    this.#view = view;
    this.end = start;
  }

  open(type: number): this {
    this.#open.push(this.end);
    this.#view.setUint16(this.end + RTATTR.type, type, true);
    this.end += RTATTR.BYTES;
    return this;
  }

  close(): this {
    const start = this.#open.pop()!;
    this.#view.setUint16(start + RTATTR.length, this.end - start, true);
    this.end = (this.end + 3) & ~3;
    return this;
  }

  u8(type: number, value: number): this {
    this.open(type);
    this.#view.setUint8(this.end, value);
    this.end += 1;
    return this.close();
  }

  u32(type: number, value: number): this {
    this.open(type);
    this.#view.setUint32(this.end, value, true);
    this.end += 4;
    return this.close();
  }
}

function setIpv4(attributes: Attributes): void {
  attributes.open(NETLINK.IFLA_AF_SPEC).open(SOCKET.AF_INET).open(NETLINK.IFLA_INET_CONF);
  attributes.u32(NETLINK.IPV4_DEVCONF_SEND_REDIRECTS, 0).close().close().close();
}

function setIpv6(attributes: Attributes): void {
  attributes.open(NETLINK.IFLA_AF_SPEC).open(SOCKET.AF_INET6);
  attributes.u8(NETLINK.IFLA_INET6_ADDR_GEN_MODE, NETLINK.IN6_ADDR_GEN_MODE_NONE).close().close();
}

/** Change a link, and take the multicast flag from it. @returns 0 or −errno */
function request(libc: Libc, fd: number, index: number, fill: (attributes: Attributes) => void): number {
  const { bytes, view, at } = libc.scratch;
  bytes.fill(0, 0, 256);
  const attributes = new Attributes(view, NLMSGHDR.BYTES + IFINFOMSG.BYTES);
  fill(attributes);
  view.setUint32(NLMSGHDR.length, attributes.end, true);
  view.setUint16(NLMSGHDR.type, NETLINK.RTM_NEWLINK, true);
  view.setUint16(NLMSGHDR.flags, NETLINK.NLM_F_REQUEST | NETLINK.NLM_F_ACK, true);
  view.setInt32(NLMSGHDR.BYTES + IFINFOMSG.index, index, true);
  view.setUint32(NLMSGHDR.BYTES + IFINFOMSG.change, TUN.IFF_MULTICAST, true);
  const written = libc.write(fd, at(0), attributes.end);
  if (written < 0) return written;
  // The kernel has answered by the time that the question is written.
  const read = libc.read(fd, at(0), SCRATCH_BYTES);
  if (read < 0) return read;
  const isAnswer = read >= NLMSGHDR.BYTES + 4 && view.getUint16(NLMSGHDR.type, true) === NETLINK.NLMSG_ERROR;
  if (!isAnswer) throw new SystemError("netlink", EOPNOTSUPP, "RTM_NEWLINK");
  return view.getInt32(NLMSGHDR.BYTES, true);
}
