/** What to do when the system refuses something: a sentence for people, by the name of the errno, as errors of Node have it too. */

const ADVICE: Readonly<Record<string, string>> = {
  EPERM: "Run it as root; in a container, give it NET_ADMIN (`--cap-add NET_ADMIN`).",
  EACCES: "Run it as root, or let this user at what is named.",
  EROFS: "That file system is read-only: mount it writable, or a tmpfs at that place.",
  ENOENT: "Check that it exists; in a container, that it was passed in.",
  ENOTDIR: "A part of that path is a file: give another path.",
  EISDIR: "Give a file; that is a directory.",
  ELOOP: "The path or route leads back to itself: remove the link or route that does.",
  ENAMETOOLONG: "Give a shorter name.",
  EEXIST: "It exists already: remove it, or give another name.",
  EBUSY: "Something else is using it: stop that, or give another name.",
  ENODEV: "The interface has gone, or the kernel lacks that device: see `ip link show`, and try `modprobe tun`.",
  ENXIO: "The interface or device has gone: see `ip link show`.",
  EMFILE: "This process may open no more descriptors: raise `ulimit -n` (LimitNOFILE= of a systemd unit).",
  ENFILE: "The system has no more open files to give: raise fs.file-max, or stop what holds so many.",
  ENOMEM: "There is no more memory, or a limit on it: raise `ulimit -v` and `ulimit -l`, or the container's limit.",
  ENOBUFS: "The system has no more buffers for it: try again later, or raise net.core.wmem_max and rmem_max.",
  ENOSPC: "The disk, or a limit of the system, is full: make room; for inotify raise fs.inotify.max_user_instances.",
  EDQUOT: "The quota of this user is used up: make room.",
  EIO: "The device failed, or is down: see `dmesg` and `ip link show`.",
  EAGAIN: "Something is short for a moment (processes, memory, locks): try again, or raise `ulimit -u`.",
  EINVAL: "The kernel does not know that, or takes other values: look at its version (`uname -r`) and at what was set.",
  ENOSYS: "This kernel lacks that call, or a sandbox forbids it: use Linux >= 5.4, or allow it there.",
  EOPNOTSUPP: "This kernel was built without that.",
  EPROTONOSUPPORT: "This kernel was built without that protocol.",
  EAFNOSUPPORT: "This kernel has no such addresses: enable IPv6, or use IPv4 alone.",
  EADDRINUSE: "Another program has that port or path: choose another; `ss -ulpn` and `ss -xlp` show who has it.",
  EADDRNOTAVAIL: "No interface has that address: add it, or choose another.",
  ENETDOWN: "The interface is down: `ip link set NAME up`.",
  ENETUNREACH: "There is no route to it: see `ip route`.",
  EHOSTUNREACH: "There is no route to it: see `ip route`.",
  ECONNREFUSED: "Nobody answers there: start the tunnel again.",
  ETXTBSY: "That program is being written to: wait until it is installed.",
  ENOEXEC: "That is no program for this machine.",
};

/** @param code such as EROFS @returns undefined where there is nothing to say */
export function adviceFor(code: string): string | undefined {
  return Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
}
