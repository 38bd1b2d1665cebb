#!/bin/bash
# Builds the newest wireguard-go from its Go module into .runtimes/peers/, for the benchmarks to compare with. Needs Go
# (any release from 1.21 on fetches the one that the module asks for) and the network; installs nothing else.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v go >/dev/null; then
  echo "install-peers: Go is not installed (https://go.dev/dl/); the benchmarks do without the newest wireguard-go" >&2
  exit 1
fi
mkdir -p .runtimes/peers
GOBIN=$PWD/.runtimes/peers go install golang.zx2c4.com/wireguard@latest
go version -m .runtimes/peers/wireguard | grep -E '^[[:space:]]mod'
