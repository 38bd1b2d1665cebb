#!/bin/bash
# Runs the end-to-end tests in namespaces of their own: mounts (private /run/wireguard and /run/netns), processes
# (whatever the tests leave behind dies with the sandbox, however that ends) and network (nothing but a loopback that
# is down, so no test packet can leave the machine). Arguments go to vitest.
# Without the right to do so, the tests still run and each one reports why it was skipped.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
vitest=("$root/node_modules/.bin/node" "$root/node_modules/vitest/vitest.mjs" run --config "$root/vitest.e2e.config.ts")

if [[ ${1-} != --inside ]]; then
  unshare_args=(--mount --propagation private --pid --fork --kill-child --mount-proc --net)
  if refusal=$(unshare "${unshare_args[@]}" true 2>&1); then
    exec unshare "${unshare_args[@]}" "$0" --inside "$@"
  fi
  WASMGUARD_E2E_UNAVAILABLE="cannot make namespaces (run as root): $refusal" exec "${vitest[@]}" "$@"
fi
shift

mkdir -p /run/wireguard /run/netns
mount -t tmpfs -o mode=0755 tmpfs /run/wireguard || exit 1
mount -t tmpfs -o mode=0755 tmpfs /run/netns || exit 1
# The first process of a process namespace gets only the signals it asked for.
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cd "$root" || exit 1
"${vitest[@]}" "$@" &
wait $!
