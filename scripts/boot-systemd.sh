#!/bin/bash
# Boots a system of its own with systemd as its first process, in namespaces: this machine's /usr, with wasmguard installed in
# /usr/local, an /etc with next to nothing in it, and a control group below this one's. Runs a script there, by a service, and ends.
# As root. Usage: boot-systemd.sh MODULES NODE SCRIPT
#   MODULES  folder of packages: wasmguard, and what it depends on
#   NODE     the runtime's executable
#   SCRIPT   shell script; what it prints is printed here, and its exit code is the exit code
set -eu

# ── inside: the system's files, then systemd ─────────────────────────────────────────────────────────────────────
if [[ ${1-} == --inside ]]; then
  root=$2 modules=$3 node=$4 script=$5
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 boot "$root"
  mkdir -p "$root"/{usr,etc/systemd/system,run,proc,sys,dev,tmp,var/log,root,report}
  for name in bin sbin lib lib32 lib64; do
    [[ ! -e /usr/$name ]] || ln -s "usr/$name" "$root/$name"
  done
  cp -a /etc/{passwd,group,shadow,gshadow,nsswitch.conf,ld.so.conf,ld.so.conf.d,ld.so.cache,alternatives,login.defs} "$root/etc/"
  echo uninitialized >"$root/etc/machine-id"
  mount --bind "${script%/*}" "$root/report"
  mount --rbind /usr "$root/usr"
  mount -o remount,bind,ro "$root/usr"
  mount -t tmpfs -o mode=755 local "$root/usr/local"
  mkdir -p "$root"/usr/local/{bin,lib/node_modules}
  shipped=$root/usr/local/lib/node_modules/wasmguard/packaging
  cp -rL "$modules/." "$root/usr/local/lib/node_modules"
  touch "$root/usr/local/bin/node"
  mount --bind "$node" "$root/usr/local/bin/node"
  ln -s ../lib/node_modules/wasmguard/bin/wasmguard.js "$root/usr/local/bin/wasmguard"
  chmod -R go+rX "$root/usr/local"
  # The script sets up the network; and what else this machine's /usr would start.
  for unit in systemd-networkd{,-wait-online}.service systemd-firstboot.service systemd-machine-id-commit.service nftables.service; do
    ln -s /dev/null "$root/etc/systemd/system/$unit"
  done
  # As an administrator would.
  cp "$shipped"/systemd/*.service "$root/etc/systemd/system/"
  mkdir -p "$root/etc/sysusers.d"
  cp "$shipped"/sysusers.d/*.conf "$root/etc/sysusers.d/"

  # The kernel's settings are everybody's, but for those of the network.
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,rw "$root/proc/sys/net"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  mkdir -p "$root"/dev/{net,pts,shm}
  for device in null zero full random urandom tty net/tun; do cp -a "/dev/$device" "$root/dev/$device"; done
  touch "$root/dev/console"
  mount --bind "${script%/*}/console" "$root/dev/console"
  mount -t devpts -o newinstance devpts "$root/dev/pts"
  mount -t tmpfs run "$root/run"
  cat >"$root/etc/systemd/system/report.target" <<'UNIT'
[Unit]
Requires=basic.target report.service
After=basic.target
AllowIsolate=yes
UNIT
  cat >"$root/etc/systemd/system/report.service" <<'UNIT'
[Unit]
After=basic.target
[Service]
Type=oneshot
Environment=PATH=/usr/local/bin:/usr/sbin:/usr/bin
ExecStart=/bin/bash -c 'timeout 90 /bin/bash /report/script >/report/output 2>&1; echo $? >/report/status'
ExecStopPost=/bin/systemctl --no-block exit
UNIT
  exec chroot "$root" /usr/bin/env -i container=wasmguard-test LANG=C /lib/systemd/systemd \
    --system --unit=report.target --show-status=no --log-target=console --log-level=notice
fi

# ── outside ──────────────────────────────────────────────────────────────────────────────────────────────────────
[[ $# == 3 ]] || { sed -n 's/^# Usage: /usage: /p' "$0" >&2; exit 2; }
modules=$(realpath "$1") node=$(realpath "$2") script=$(realpath "$3")
work=$(mktemp -d)
groups=$work/groups
group=$groups$(sed -n 's/^0:://p' /proc/self/cgroup)/wasmguard-boot-$$

cleanup() {
  # Whoever is left there. A group goes when all below it have gone.
  [[ ! -e $group/cgroup.kill ]] || echo 1 >"$group/cgroup.kill"
  for _ in {1..50}; do
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [[ -d $group ]] || break
    sleep 0.1
  done
  umount "$groups"
  rm -rf --one-file-system "$work"
}
mkdir "$groups" "$work/root" "$work/report"
mount -t cgroup2 cgroup2 "$groups"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$group"
cp "$script" "$work/report/script"
touch "$work/report/console"

# A shell of its own enters the group, so that the namespace of control groups begins there. Signals end `wait`.
(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec timeout --kill-after=5 120 unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child \
    "$(realpath "$0")" --inside "$work/root" "$modules" "$node" "$work/report/script"
) >>"$work/report/console" 2>&1 </dev/null &
wait $! || true

if [[ ! -s $work/report/status ]]; then
  cat "$work/report/console" "$work/report/output" >&2
  echo "boot-systemd: the system did not come as far as the script" >&2
  exit 1
fi
cat "$work/report/output"
exit "$(cat "$work/report/status")"
