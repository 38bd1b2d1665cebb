#!/bin/bash
# Installs Wine and runtimes of Windows, so that tests can run there (scripts/run-in-wine.sh). As root, on x86_64; safe to repeat.
# Wine is Debian 13's, since Node 26 and Deno abort in that of Debian 12. It needs a newer C library than this machine has, so it lies
# in a root directory of its own: only what programs without windows need, unpacked and not installed. FreeType must not be there: without a
# display Wine's explorer then starts itself again and again.
set -eu
[[ $(uname -m) == x86_64 ]] || exit 0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wine=/opt/wasmguard-wine
readonly LIBRARIES=usr/lib/x86_64-linux-gnu
readonly SETTINGS=1  # one more whenever `settle` has others: an installation that is there gets them

packages=(
  wine64 libwine libc6 libgcc-s1 libunwind8 liblzma5
  libz-mingw-w64  # a DLL that Wine's own ones import
  libgnutls30t64 libnettle8t64 libhogweed6t64 libgmp10 libidn2-0 libunistring5 libp11-kit0 libtasn1-6 libffi8  # certificates
)

# Wine takes a DLL of its own only with this mark behind the DOS header.
mark_as_builtin() {
  head --bytes=64 "$1"
  printf 'Wine builtin DLL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
  tail --bytes=+97 "$1"
}

make_root() {
  local work=$1 made=$1/root package
  mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/packages" "$made"
  cat >"$work/sources/trixie.sources" <<'SOURCES'
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  local apt=(apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::lists="$work/lists"
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  "${apt[@]}" update
  (cd "$work/packages" && "${apt[@]}" download "${packages[@]}")
  for package in "$work"/packages/*.deb; do dpkg-deb --extract "$package" "$made"; done
  ln -s usr/lib "$made/lib"
  ln -s usr/lib64 "$made/lib64"
  mkdir -p "$made"/{dev,opt,proc,root,sys,tmp}
  # 64 bits are enough.
  rm -rf "$made/$LIBRARIES/wine/i386-windows" "$made/usr/share/doc"
  mark_as_builtin "$made/usr/x86_64-w64-mingw32/lib/zlib1.dll" >"$made/$LIBRARIES/wine/x86_64-windows/zlib1.dll"
}

run_in_wine() {
  WASMGUARD_WINE_KEEP=1 timeout --kill-after=10 120 "$root/scripts/run-in-wine.sh" "$@"
}

settle() {
  # There is no display, and Wine is not to look for one.
  run_in_wine reg add 'HKCU\Software\Wine\Drivers' /v Graphics /d null /f
  # Until a service has answered: Wine allows 10 seconds, which a runtime's start may take where others are at work.
  run_in_wine reg add 'HKLM\System\CurrentControlSet\Control' /v ServicesPipeTimeout /d 60000 /f
  echo "$SETTINGS" >"$wine/settings"
}

is_settled() {
  [[ -e $wine/complete && $(cat "$wine/settings" 2>/dev/null) == "$SETTINGS" ]]
}

mkdir -p "$wine"
# Others may be at it, too, or use what is there (run-in-wine.sh).
exec 9<"$wine"
is_settled || flock --exclusive --wait 900 9 || { echo "Wine is in use, by another" >&2; exit 1; }
if [[ ! -e $wine/complete ]]; then
  work=$(mktemp -d --tmpdir="$wine")
  trap 'rm -rf "$work"' EXIT
  make_root "$work"
  mkdir -p "$wine/session"
  rm -rf "$wine/root"
  mv "$work/root" "$wine/root"
  # Drive C:, which every later run gets a fresh copy of.
  run_in_wine wineboot --init
  rm -f "$wine/settings"
  touch "$wine/complete"
fi
is_settled || settle
flock --unlock 9
exec 9<&-

mkdir -p "$root/.runtimes/windows/node_modules"
cp "$root"/test/runtimes/windows/package*.json "$root/.runtimes/windows/"
(cd "$root/.runtimes/windows" && npm install --os=win32 --cpu=x64 --ignore-scripts --no-bin-links --no-audit --no-fund)

# The project's own packages as `npm ci` installs them on Windows: run-in-wine.sh puts them in the place of those of this machine.
packages=$root/.runtimes/windows/project
if ! cmp --silent "$root/package-lock.json" "$packages/package-lock.json"; then
  rm -rf "$packages"
  mkdir -p "$packages/scripts"
  cp "$root/package.json" "$packages/"
  cp -r "$root/scripts/node-runtime" "$packages/scripts/"
  cp "$root/package-lock.json" "$packages/lock"
  mv "$packages/lock" "$packages/package-lock.json"
  (cd "$packages" && npm ci --os=win32 --cpu=x64 --ignore-scripts --no-audit --no-fund) || { rm -rf "$packages"; exit 1; }
fi
"$root/scripts/run-in-wine.sh" node --version
