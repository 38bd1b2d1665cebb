#!/bin/bash
# Builds what the benchmarks compare with into .runtimes/peers/: the newest wireguard-go and a forward through its netstack from its Go
# module, and its code for Windows, with which the tests' stand-in for wintun.dll is tried, which need Go (any release from 1.21 on fetches
# the one that is asked for), and from crates.io onetun, gotatun and boringtun, which need Cargo (gotatun a Rust of 2026, and cmake). Some
# ten minutes on two cores.
# Wants the network; installs nothing else.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v go >/dev/null; then
  echo "install-peers: Go is not installed (https://go.dev/dl/); the benchmarks do without the newest wireguard-go" >&2
  exit 1
fi
mkdir -p .runtimes/peers
GOBIN=$PWD/.runtimes/peers go install golang.zx2c4.com/wireguard@latest
go version -m .runtimes/peers/wireguard | grep -E '^[[:space:]]mod'
(cd bench/net/peers/netstack && go build -o ../../../../.runtimes/peers/netstack-forward .)
# For test/e2e/wintun.test.ts. Newer ones of Go want an option of sockets that Wine does not know (UDP_NETRESET).
(cd test/e2e/wintun/official && GOTOOLCHAIN=go1.23.12 GOOS=windows GOARCH=amd64 go build -o ../../../../.runtimes/peers/wintun-official.exe .)
if command -v cargo >/dev/null; then
  cargo install --quiet --root .runtimes/peers/cargo onetun
  cargo install --quiet --locked --root .runtimes/peers/cargo gotatun-cli boringtun-cli
  cp .runtimes/peers/cargo/bin/{onetun,gotatun,boringtun-cli} .runtimes/peers/
else
  echo "install-peers: Cargo is not installed; the benchmarks do without onetun, gotatun and boringtun" >&2
fi
