#!/bin/sh
# ifconfig, netstat, networksetup and route for the process that follows a Mac's network, by the name that this file is called by.
# In $MAC: `log` for what is changed, `news` to which lines for `route -n monitor` are written, `looks` a line for each time
# that the MTU was asked for, `path` what PATH was.
case "${0##*/} $*" in
  "ifconfig utun5")
    echo look >>"$MAC/looks"
    echo "utun5: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1400"
    ;;
  "route -n monitor") exec tail -n +1 -f "$MAC/news" ;;
  "networksetup -listallnetworkservices")
    echo "$PATH" >"$MAC/path"
    printf 'An asterisk (*) denotes that a network service is disabled.\nWi-Fi\n'
    ;;
  "networksetup -get"*) tail -n 1 "$MAC/$1" ;;
  "networksetup -set"*)
    echo "$*" >>"$MAC/log"
    verb=-get${1#-set}
    answer=$3
    [ "$answer" = Empty ] && answer="There aren't any of them set on $2."
    echo "$answer" >"$MAC/$verb"
    ;;
  *) exit 1 ;;
esac
