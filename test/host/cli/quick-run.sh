#!/bin/bash
# Runs `up` and `down` of one program on one file, in namespaces of its own, and prints the system's state after each.
# Usage, as root: unshare --net --mount --pid --fork --kill-child --mount-proc quick-run.sh FILE.conf PROGRAM [ARGUMENTS]
file=$1; shift
name=$(basename "$file" .conf)
mount -t tmpfs none /run && mkdir -p /run/wireguard
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth0 mtu 1450 up && ip link set eth1 up
ip address add 192.0.2.2/24 dev eth0
ip -6 address add 2001:db8::2/64 dev eth0 nodad
ip route add default via 192.0.2.1
ip route add 198.51.100.0/24 via 192.0.2.1 mtu 1410

state() {
	echo "== $1"
	ip -o link show dev "$name" 2>&1 | sed 's/^[0-9]*: //; s/qdisc [a-z_]*//; s/qlen [0-9]*//'
	ip -4 -o address show dev "$name" 2>&1 | sed 's/^[0-9]*: //'
	ip -6 -o address show dev "$name" scope global 2>&1 | sed 's/^[0-9]*: //'
	ip -4 route show table all | sort
	ip -6 route show table all | grep -v -e fe80 -e ff00 -e anycast | sort
	ip -4 rule show
	ip -6 rule show
	if command -v nft >/dev/null; then nft list ruleset; else iptables-save; ip6tables-save; fi 2>&1 | grep -v '^#'
	cat /proc/sys/net/ipv4/conf/all/src_valid_mark
	wg show "$name" dump 2>&1 | cut -f 1,2,4- | sort
	wg show "$name" fwmark 2>&1
}

"$@" up "$file"; echo "up: $?"
state up
if [[ -n ${CRASH-} ]]; then
	kill -KILL $(ss -xlpH | grep "/$name.sock " | grep -o 'pid=[0-9]*' | cut -d= -f2)
	while ip link show dev "$name" >/dev/null 2>&1; do sleep 0.02; done
fi
"$@" down "$file"; echo "down: $?"
# The daemon ends by itself once its interface is gone. Until then `wg` may still find its socket.
for ((i = 0; i < 500; i++)); do
	[[ $(ss -xlH) != *"/$name.sock "* ]] && break
	sleep 0.02
done
state down
