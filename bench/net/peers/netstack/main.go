// Forwards a local TCP port into a tunnel, with wireguard-go's device and its netstack (gVisor): a peer for `npm run bench:net`.
// Arguments: local address, remote address. Standard input: settings of the device in UAPI's form, after lines address=, mtu=.
package main

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"
)

type settings struct {
	address netip.Addr
	mtu     int
	uapi    string
}

func readSettings(input io.Reader) settings {
	read := settings{mtu: 1420}
	var uapi strings.Builder
	for lines := bufio.NewScanner(input); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		var err error
		switch key {
		case "address":
			read.address, err = netip.ParseAddr(value)
		case "mtu":
			read.mtu, err = strconv.Atoi(value)
		default:
			uapi.WriteString(lines.Text() + "\n")
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	read.uapi = uapi.String()
	return read
}

func join(near, far net.Conn) {
	defer near.Close()
	defer far.Close()
	back := make(chan struct{})
	go func() {
		io.Copy(near, far)
		near.(*net.TCPConn).CloseWrite()
		close(back)
	}()
	io.Copy(far, near)
	if half, ok := far.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	<-back
}

func main() {
	local, remote := os.Args[1], netip.MustParseAddrPort(os.Args[2])
	s := readSettings(os.Stdin)
	tun, network, err := netstack.CreateNetTUN([]netip.Addr{s.address}, nil, s.mtu)
	if err != nil {
		log.Fatal(err)
	}
	tunnel := device.NewDevice(tun, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, ""))
	if err := tunnel.IpcSet(s.uapi); err != nil {
		log.Fatal(err)
	}
	if err := tunnel.Up(); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", local)
	if err != nil {
		log.Fatal(err)
	}
	log.Print("ready")
	for {
		near, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		far, err := network.DialTCPAddrPort(remote)
		if err != nil {
			log.Fatal(err)
		}
		go join(near, far)
	}
}
