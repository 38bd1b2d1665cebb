#!/bin/bash
# Builds the stand-in for iphlpapi.dll that tests of `wasmguard up` on Windows use under Wine: build-ip-helper.sh DIRECTORY.
# Where no variable says where settings go, they go to the file "settings" there.
# What it does not do itself it passes on to Wine's own, a copy of which comes with it under another name.
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wine=/opt/wasmguard-wine/root/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/iphlpapi.dll
readonly PASSED_ON=iphlpwine
# By its mark, behind the DOS header, Wine knows a DLL of its own, and looks for that elsewhere.
{ head --bytes=64 "$wine"; head --bytes=32 /dev/zero; tail --bytes=+97 "$wine"; } >"$1/$PASSED_ON.dll"
names() { x86_64-w64-mingw32-objdump --private-headers "$1" | sed -nE 's/^\s*\[ *[0-9]+\] (\+base\[ *[0-9]+\] +[0-9a-f]+ )?([A-Za-z_]\w*)$/\2/p' | sort -u; }
gcc=(x86_64-w64-mingw32-gcc-posix -std=c11 -O2 -Wall -Wextra -Werror -shared -static -s -DSETTINGS_FILE="\"Z:$1/settings\"" "$root/test/e2e/wintun/ip-helper.c" -lws2_32)
"${gcc[@]}" -o "$1/iphlpapi.dll"
own=$(names "$1/iphlpapi.dll")
{
  printf 'LIBRARY iphlpapi\nEXPORTS\n%s\n' "$own"
  names "$wine" | comm -23 - <(printf '%s\n' "$own") | sed "s/.*/& = $PASSED_ON.&/"
} >"$1/iphlpapi.def"
"${gcc[@]}" -o "$1/iphlpapi.dll" "$1/iphlpapi.def"
