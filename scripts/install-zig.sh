#!/bin/bash
# Installs Zig's C compiler into .runtimes/zig: it has the headers of systems and processors that the tests do not run on. On x86_64; safe to repeat.
set -eu
[[ $(uname -m) == x86_64 ]] || exit 0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wanted=$root/test/runtimes/zig/requirements.txt
folder=$root/.runtimes/zig
if ! cmp --silent "$wanted" "$folder/requirements.txt"; then
  rm -rf "$folder"
  /usr/bin/python3 -m pip install --quiet --no-deps --require-hashes --only-binary=:all: --no-compile --root-user-action=ignore \
    --target "$folder" --requirement "$wanted"
  cp "$wanted" "$folder/requirements.txt"
fi
"$folder/ziglang/zig" version
