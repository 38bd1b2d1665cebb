/** What the numbers of host/ffi are called in C on Linux, and the headers that have them. */

export const HEADERS = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
/* Newer than some headers. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
struct ruleset_of_today { __u64 handled_access_fs, handled_access_net, scoped; };
#else
#define ruleset_of_today landlock_ruleset_attr
#endif
#ifndef LANDLOCK_RESTRICT_SELF_TSYNC
#define LANDLOCK_RESTRICT_SELF_TSYNC (1U << 3)
#endif
#define __X32_SYSCALL_BIT 0x40000000
#define BPF_LOAD_WORD (BPF_LD | BPF_W | BPF_ABS)
#define BPF_JUMP_EQUAL (BPF_JMP | BPF_JEQ | BPF_K)
#define BPF_JUMP_NOT_BELOW (BPF_JMP | BPF_JGE | BPF_K)
#define BPF_JUMP_ANY_BIT (BPF_JMP | BPF_JSET | BPF_K)
#define BPF_JUMP (BPF_JMP | BPF_JA)
#define BPF_RETURN (BPF_RET | BPF_K)
`;

/** Our struct and field names to C's. */
export const STRUCTS: Record<string, [type: string, fields: Record<string, string>]> = {
  IFREQ: ["struct ifreq", { name: "ifr_name", flags: "ifr_flags", value: "ifr_mtu" }],
  SOCKADDR_IN: ["struct sockaddr_in", { family: "sin_family", port: "sin_port", address: "sin_addr" }],
  SOCKADDR_IN6: [
    "struct sockaddr_in6",
    {
      family: "sin6_family",
      port: "sin6_port",
      flowInfo: "sin6_flowinfo",
      address: "sin6_addr",
      scope: "sin6_scope_id",
    },
  ],
  SOCKADDR_UN: ["struct sockaddr_un", { family: "sun_family", path: "sun_path" }],
  SOCKADDR_NL: ["struct sockaddr_nl", { family: "nl_family", pid: "nl_pid", groups: "nl_groups" }],
  IOVEC: ["struct iovec", { base: "iov_base", length: "iov_len" }],
  MMSGHDR: [
    "struct mmsghdr",
    {
      name: "msg_hdr.msg_name",
      nameLength: "msg_hdr.msg_namelen",
      iov: "msg_hdr.msg_iov",
      iovLength: "msg_hdr.msg_iovlen",
      control: "msg_hdr.msg_control",
      controlLength: "msg_hdr.msg_controllen",
      flags: "msg_hdr.msg_flags",
      length: "msg_len",
    },
  ],
  CMSGHDR: ["struct cmsghdr", { length: "cmsg_len", level: "cmsg_level", type: "cmsg_type" }],
  IN_PKTINFO: ["struct in_pktinfo", { interface: "ipi_ifindex", local: "ipi_spec_dst", destination: "ipi_addr" }],
  IN6_PKTINFO: ["struct in6_pktinfo", { address: "ipi6_addr", interface: "ipi6_ifindex" }],
  EPOLL_EVENT: ["struct epoll_event", { events: "events", data: "data" }],
  TIMESPEC: ["struct timespec", { seconds: "tv_sec", nanoseconds: "tv_nsec" }],
  STAT: ["struct stat", { mode: "st_mode", device: "st_rdev" }],
  POLLFD: ["struct pollfd", { fd: "fd", events: "events", happened: "revents" }],
  INOTIFY_EVENT: ["struct inotify_event", { watch: "wd", mask: "mask", cookie: "cookie", nameLength: "len" }],
  NLMSGHDR: [
    "struct nlmsghdr",
    { length: "nlmsg_len", type: "nlmsg_type", flags: "nlmsg_flags", sequence: "nlmsg_seq", pid: "nlmsg_pid" },
  ],
  IFINFOMSG: [
    "struct ifinfomsg",
    { family: "ifi_family", index: "ifi_index", flags: "ifi_flags", change: "ifi_change" },
  ],
  IFADDRMSG: ["struct ifaddrmsg", { family: "ifa_family", index: "ifa_index" }],
  RTMSG: [
    "struct rtmsg",
    {
      family: "rtm_family",
      destinationBits: "rtm_dst_len",
      sourceBits: "rtm_src_len",
      type: "rtm_type",
      flags: "rtm_flags",
    },
  ],
  RTATTR: ["struct rtattr", { length: "rta_len", type: "rta_type" }],
  SOCK_FILTER: ["struct sock_filter", { code: "code", whenTrue: "jt", whenFalse: "jf", value: "k" }],
  SOCK_FPROG: ["struct sock_fprog", { length: "len", filter: "filter" }],
  SECCOMP_DATA: ["struct seccomp_data", { number: "nr", architecture: "arch", arguments: "args" }],
  LANDLOCK_PATH_BENEATH: ["struct landlock_path_beneath_attr", { access: "allowed_access", parent: "parent_fd" }],
  CAPABILITY_HEADER: ["struct __user_cap_header_struct", { version: "version", pid: "pid" }],
  CAPABILITY_SET: [
    "struct __user_cap_data_struct",
    { effective: "effective", permitted: "permitted", inheritable: "inheritable" },
  ],
  UCRED: ["struct ucred", { pid: "pid" }],
  RLIMIT: ["struct rlimit", { current: "rlim_cur", maximum: "rlim_max" }],
  LANDLOCK_RULESET: [
    "struct ruleset_of_today",
    { files: "handled_access_fs", network: "handled_access_net", scoped: "scoped" },
  ],
};

/** C expressions, and what ours say of them. @param structs by our name, as host/ffi/layout.ts has them */
export function layoutExpressions(structs: Record<string, Record<string, number>>): Map<string, number> {
  const ours = new Map<string, number>();
  for (const [name, struct] of Object.entries(structs)) {
    const [type, fields] = STRUCTS[name]!;
    // The kernel's grows: ours ends with the last field that we know.
    const size = name === "LANDLOCK_RULESET" ? `offsetof(${type}, scoped) + sizeof(__u64)` : `sizeof(${type})`;
    for (const [field, offset] of Object.entries(struct)) {
      ours.set(field === "BYTES" ? size : `offsetof(${type}, ${fields[field]})`, offset);
    }
  }
  return ours;
}
