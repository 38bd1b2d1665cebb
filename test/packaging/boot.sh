# In a system that scripts/boot-systemd.sh booted: the shipped unit, its user, a ping through its tunnel, a crash, and its end.
# Prints what it sees, as boot.test.ts expects it.
set -u
umask 077
readonly UNIT=wasmguard@wg0.service

fail() {
  echo "failed: $1"
  systemctl status "$UNIT" alone.service --no-pager --full --lines 50
  systemctl list-jobs --no-pager
  exit 1
}

# tunnel NAME KEY ADDRESS PORT PEER ALLOWED ENDPOINT
tunnel() {
  printf '[Interface]\nPrivateKey = %s\nAddress = %s\nListenPort = %s\n[Peer]\nPublicKey = %s\nAllowedIPs = %s\nEndpoint = %s\n' \
    "${@:2}" >"/etc/wireguard/$1.conf"
}

status() { sed -n "s/^$1:\t//p" "/proc/$pid/status"; }

mkdir -p /etc/wireguard
ip link set lo up
ip netns add far
ip link add near type veth peer name away netns far
ip addr add 192.0.2.1/24 dev near
ip link set near up
ip -n far addr add 192.0.2.2/24 dev away
ip -n far link set away up
near=$(wasmguard genkey) far=$(wasmguard genkey)
tunnel wg0 "$near" 10.99.0.1/24 51820 "$(wasmguard pubkey <<<"$far")" 10.99.0.2/32 192.0.2.2:51821
tunnel far "$far" 10.99.0.2/24 51821 "$(wasmguard pubkey <<<"$near")" 10.99.0.1/32 192.0.2.1:51820
ip netns exec far wasmguard up far || fail "the far end"

timeout 30 systemctl start "$UNIT" || fail "start"
pid=$(systemctl show -P MainPID "$UNIT")
echo "started: $(systemctl is-active "$UNIT"), by $(systemctl show -P Type "$UNIT")"
ss -xlpH | grep -q "/wg0.sock .*pid=$pid," || fail "the service is not the process behind the tunnel"
echo "user: $(ps -o user:20= -p "$pid")"
echo "no new privileges: $(status NoNewPrivs)"
echo "seccomp: $(status Seccomp)"
echo "bounding: $(status CapBnd)"
echo "effective: $(status CapEff)"
ping -q -c 3 -i 0.2 -W 5 10.99.0.2 >/dev/null || fail "ping"
echo "ping: answered"

systemctl kill -s KILL --kill-who=main "$UNIT"
for _ in {1..200}; do
  now=$(systemctl show -P MainPID "$UNIT")
  [[ $now != 0 && $now != "$pid" && $(systemctl is-active "$UNIT") == active ]] && break
  sleep 0.1
done
echo "after a crash: $(systemctl is-active "$UNIT"), restarts $(systemctl show -P NRestarts "$UNIT")"
ping -q -c 1 -W 5 10.99.0.2 >/dev/null || fail "ping after a crash"
echo "ping: answered"

timeout 30 systemctl stop "$UNIT" || fail "stop"
echo "stopped: $(systemctl is-active "$UNIT"), $(systemctl show -P Result "$UNIT")"
ip link show wg0 >/dev/null 2>&1 || echo "interface: gone"
[[ -e /run/wireguard/wg0.sock ]] || echo "socket: gone"

# The daemon by itself, as docs/daemon.md has it; then in the background.
alone() {
  printf '[Service]\nType=notify\n%s\n' "$@" >/etc/systemd/system/alone.service
  systemctl daemon-reload
  timeout 30 systemctl start alone.service || fail "alone"
  [[ $(wasmguard show interfaces) == *wg1* ]] || fail "alone, but nobody answers"
  pid=$(systemctl show -P MainPID alone.service)
  ss -xlpH | grep -q "/wg1.sock .*pid=$pid," || fail "alone, but another process"
  timeout 30 systemctl stop alone.service || fail "stop alone"
  echo "alone: $(systemctl is-active alone.service), $(systemctl show -P Result alone.service)"
}
alone "ExecStart=/usr/bin/env wasmguard -f wg1"
alone "NotifyAccess=all
ExecStart=/usr/bin/env wasmguard wg1"
