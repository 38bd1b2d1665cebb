/** Where the sockets of other runtimes differ from Node's, in the lines of as-node.test.ts. */
import type { Runtime } from "../../../../host/platform.ts";

/** [what a runtime's own sockets tell, what Node's and ours tell in its place] */
type Difference = readonly [own: string, ours: string];

export const DIFFERENCES: Partial<Record<Runtime, Record<string, readonly Difference[]>>> = {
  deno: {
    "errors of connecting": [['["EINVAL"]', '["EADDRNOTAVAIL"]']],
    // Its own sends all at once, in any order.
    "datagrams of a connected socket": [['["to whom it is connected"]', '["x"]']],
  },
  bun: {
    "writing after the end, and to a closed one": [
      ['["callback","EPIPE"]', '["callback","ERR_STREAM_WRITE_AFTER_END"]'],
    ],
    "a time without a byte": [["[0]", "[null]"]],
    "a server's life": [
      [
        '[{"name":"Error","code":"EADDRINUSE","syscall":"listen","errno":98,"address":"HOST","port":true}]',
        '[{"name":"Error","code":"EADDRINUSE","syscall":"listen","errno":-98,"address":"HOST","port":true}]',
      ],
    ],
    "datagrams of a connected socket": [
      [
        '["remote",{"name":"Error","code":"ERR_SOCKET_DGRAM_NOT_RUNNING","port":false}]',
        '["remote",{"name":"Error","code":"ERR_SOCKET_DGRAM_NOT_CONNECTED","port":false}]',
      ],
    ],
  },
};

/** Scripts that a runtime's own sockets never get to the end of, and what Node's and ours tell. */
export const ENDLESS: Partial<Record<Runtime, Record<string, readonly string[]>>> = {
  // Its own knows no limit, and drops nobody.
  deno: {
    "more connections than a server takes": [
      '[["localAddress","localFamily","localPort","remoteAddress","remoteFamily","remotePort"]]',
    ],
  },
};
