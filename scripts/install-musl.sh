#!/bin/bash
# Installs musl beside this machine's C library, and Bun for it, so that tests can run there. As root, on x86_64; safe to repeat.
# musl itself is Debian 13's (Bun crashes with that of Debian 12); its C++ library comes out of a wheel of PyPI, the only registry
# with one. Neither is found by programs of the machine's own C library.
set -eu
[[ $(uname -m) == x86_64 ]] || exit 0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
libraries=/usr/lib/x86_64-linux-musl
if [[ ! -e $libraries/libstdc++.so.6 ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
  cat >"$work/sources/trixie.sources" <<'SOURCES'
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  apt=(apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" -o Dir::State::lists="$work/lists"
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=4)
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" download musl && dpkg --install musl_*.deb)
  /usr/bin/python3 -m pip download --no-deps --require-hashes --only-binary=:all: --platform musllinux_1_2_x86_64 --python-version 3.12 \
    --dest "$work" --requirement "$root/test/runtimes/musl/requirements.txt"
  python3 -m zipfile --extract "$work"/greenlet-*.whl "$work/wheel"
  ln -sf libc.so "$libraries/libc.musl-x86_64.so.1"
  # The one names the other with the wheel's own ending.
  cp "$work"/wheel/greenlet.libs/libgcc_s-*.so.1 "$libraries/"
  cp "$work"/wheel/greenlet.libs/libstdc++-*.so.6* "$libraries/libstdc++.so.6"
fi
mkdir -p "$root/.runtimes/musl"
cp "$root"/test/runtimes/musl/package*.json "$root/.runtimes/musl/"
cd "$root/.runtimes/musl"
npm install --libc=musl --ignore-scripts --no-bin-links --no-audit --no-fund
"$root/.runtimes/musl/node_modules/@oven/bun-linux-x64-musl/bin/bun" --version
