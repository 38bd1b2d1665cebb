#!/bin/bash
# Installs the programs that the tests use, from Debian's packages. As root; asks nothing; safe to repeat.
set -eu
packages=(
  wireguard-go wireguard-tools                 # the peer to test against; wg and wg-quick
  iproute2 iputils-ping util-linux procps      # namespaces, traffic, nsenter and unshare
  iperf3 tcpdump ethtool                       # bulk traffic, what is on the wire, offloads
  iptables nftables conntrack                  # firewalls and address translation
  curl dnsmasq-base bind9-dnsutils socat openssl dropbear-bin  # what is behind a tunnel, and who asks for it
  postgresql mariadb-server-core redis-tools      # servers that drivers are tried with
  openssh-client openssh-server                # by way of the proxy
  gcc libc6-dev python3                        # constants of the kernel's headers, floods
  gcc-mingw-w64-x86-64-posix                   # constants of the headers of Windows, a stand-in for wintun.dll
  chromium                                     # the crypto module and the benchmark page in a browser
  qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross libatomic1-arm64-cross  # another processor
  python3-pip                                  # what scripts/install-musl.sh fetches
  podman runc                                  # real containers
  zsh fish                                     # shells that completions are for
  systemd groff-base                           # the unit and the man page that are shipped
  ca-certificates
)

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "all test tools are installed"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# The tests make clusters of their own; the package is not to make one, and start it.
mkdir -p /etc/postgresql-common/createcluster.d
echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/wasmguard-tests.conf
# Nor is any of them to start a service now: tests start what they need, as users without rights.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
# A mirror that fails for a moment is asked again, and what a run before was cut in is finished first.
dpkg --configure -a
apt=(apt-get -o Acquire::Retries=4)
"${apt[@]}" update
# iperf3 would ask whether to start its daemon at boot, and wireguard's recommendation is a kernel module.
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}"
