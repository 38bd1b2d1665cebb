#!/bin/sh
# ifconfig, netstat, networksetup and route for the process that follows a Mac's network, by the name that this file is called by.
# In $MAC: `gone` once the interface is, `log` for what is changed, `news` to which lines for `route -n monitor` are written.
case "${0##*/} $*" in
  "ifconfig utun5") [ ! -e "$MAC/gone" ] && echo "utun5: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1420" ;;
  "route -n monitor") exec tail -n +1 -f "$MAC/news" ;;
  "networksetup -listallnetworkservices") printf 'An asterisk (*) denotes that a network service is disabled.\nWi-Fi\n' ;;
  "networksetup -get"*) tail -n 1 "$MAC/$2" ;;
  "networksetup -set"*)
    echo "$*" >>"$MAC/log"
    verb=-get${1#-set}
    echo "$3" >"$MAC/$verb"
    ;;
  *) exit 1 ;;
esac
