// The official wireguard-go as its own program for Windows has it (main_windows.go), but configured through a port of loopback: its control
// pipe Wine cannot make. wintun.dll lies beside it. It runs until the interface is removed.
package main

import (
	"log"
	"net"
	"os"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

func main() {
	log.SetFlags(0)
	adapter, err := tun.CreateTUN(os.Args[1], 0)
	if err != nil {
		log.Fatal(err)
	}
	tunnel := device.NewDevice(adapter, conn.NewDefaultBind(), device.NewLogger(device.LogLevelVerbose, ""))
	if err := tunnel.Up(); err != nil {
		log.Fatal(err)
	}
	control, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			client, err := control.Accept()
			if err != nil {
				log.Fatal(err)
			}
			go tunnel.IpcHandle(client)
		}
	}()
	log.Printf("configured at port %d", control.Addr().(*net.TCPAddr).Port)
	<-tunnel.Wait()
}
