#!/bin/bash
# Runs tests in Node for Windows, under Wine: run.sh ARGUMENT OF VITEST...   As root; scripts/install-wine.sh comes first.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
certificates=$(mktemp -d)
trap 'rm -rf "$certificates"' EXIT
# There is no openssl.
for name in far.internal proxy; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
    -keyout "$certificates/$name.key" -out "$certificates/$name.pem" 2>/dev/null
done
export WASMGUARD_TEST_CERTIFICATES=Z:$certificates
# Nor npm, which makes a command of the package.
npm=$(realpath "${npm_execpath:-$(command -v npm)}")
npm=${npm%/bin/*}
export WASMGUARD_TEST_NPM=Z:$npm
directories=$certificates:$npm
arguments=()
for argument in "$@"; do
  case $argument in
    --outputFile*=/*)
      directories+=:$(dirname "${argument#*=}")
      argument=${argument/=\//=Z:/}
      ;;
  esac
  arguments+=("$argument")
done
WASMGUARD_WINE_DIRECTORIES=$directories scripts/run-in-wine.sh \
  node node_modules/vitest/vitest.mjs run -c vitest.windows.config.ts "${arguments[@]}"
