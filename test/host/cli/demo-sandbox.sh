#!/bin/bash
# Runs a demo in namespaces of its own (mounts, processes, network), so that nothing of it outlives the test, however that
# ends; then writes what the demo itself has left in them into a file, a line each.
# Usage, as root: unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc \
#   demo-sandbox.sh REPORT SECONDS_TO_TIDY PROGRAM [ARGUMENTS]. A line on stdin interrupts the demo.
report=$1 tidy=$2; shift 2
mount -t tmpfs none /run && mkdir -p /run/wireguard /run/netns || exit 99
"$@" &
demo=$!
read -r && kill -INT "$demo"
wait "$demo"
code=$?

leftovers() {
	ip netns list
	ip -br link
	ls /run/wireguard
	ps -eo args | grep -v -F "$report"
}
for ((tries = 0; tries <= 5 * tidy; tries++)); do
	((tries == 0)) || sleep 0.2
	leftovers | grep -E 'wasmguard-[0-9a-f]{4}-[ab]|wgdemo[0-9a-f]{4}|wgveth[0-9a-f]{4}' >"$report" || break
done
exit "$code"
