/** All targets, from the wire inwards. */
import type { Target } from "../target.ts";
import { coalesce } from "./coalesce.ts";
import { config } from "./config.ts";
import { dns } from "./dns.ts";
import { http } from "./http.ts";
import { netlink } from "./netlink.ts";
import { receive } from "./receive.ts";
import { sni } from "./sni.ts";
import { socks5 } from "./socks5.ts";
import { split } from "./split.ts";
import { stack } from "./stack.ts";
import { tcp } from "./tcp.ts";
import { trains } from "./trains.ts";
import { uapi } from "./uapi.ts";

export const targets: readonly Target[] = [
  receive,
  trains,
  split,
  coalesce,
  uapi,
  netlink,
  config,
  stack,
  tcp,
  dns,
  socks5,
  http,
  sni,
];
