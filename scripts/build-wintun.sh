#!/bin/bash
# Builds the stand-in for wintun.dll that tests of the daemon on Windows use under Wine: build-wintun.sh FILE.
# Its compiler is gcc-mingw-w64-x86-64-posix (scripts/install-test-tools.sh).
set -eu
source=$(dirname "${BASH_SOURCE[0]}")/../test/e2e/wintun
resources=$(mktemp --suffix=.o)
trap 'rm -f "$resources"' EXIT
x86_64-w64-mingw32-windres "$source/wintun.rc" "$resources"
x86_64-w64-mingw32-gcc-posix -std=c11 -O2 -Wall -Wextra -Werror -shared -static -s -o "$1" "$source/wintun.c" "$resources" -lws2_32
