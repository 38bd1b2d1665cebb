/** What clients of the control socket talk to, however they come: a session of the UAPI in one of UAPI_SESSIONS pairs of areas. */
import type { Zones } from "../address/endpoint-text.ts";
import type { Core } from "../core/core.ts";
import type { Engine } from "../engine/engine.ts";
import { prometheusLines } from "../metrics/prometheus.ts";
import type { Statistic } from "../metrics/statistics.ts";
import type { ConfigTarget } from "../uapi/target.ts";
import { UapiSession } from "../uapi/uapi-session.ts";
import type { Area } from "../uapi/writer.ts";
import type { TunnelSockets } from "./tunnel-sockets.ts";

export const SESSIONS = 8; // assembly/constants.ts
const AREA_BYTES = 65_536;

export interface ControlOptions {
  readonly core: Core;
  readonly engine: Engine;
  readonly sockets: Pick<TunnelSockets, "port" | "mark" | "setPort" | "setMark">;
  readonly zones: Zones;
  statistics(): Iterable<Statistic>;
  log(level: "error" | "verbose", message: string): void;
  /** A client asks the daemon to end; undefined where there are other ways. */
  readonly stop?: (() => void) | undefined;
}

/** Where a session reads into; where it writes from follows. */
export function inputArea(core: Core, index: number): Area {
  return { address: core.at.uapiAreas + 2 * AREA_BYTES * index, length: AREA_BYTES };
}

/** @param index which pair of areas: below SESSIONS, and in use for one session at a time */
export function openSession(options: ControlOptions, target: ConfigTarget, index: number): UapiSession {
  const { core, statistics, zones, log, stop } = options;
  const input = inputArea(core, index);
  return new UapiSession({
    memory: core.memory,
    input,
    output: { address: input.address + AREA_BYTES, length: AREA_BYTES },
    target,
    codec: {
      decodeHexKey: (from, to) => Boolean(core.exports.hexDecode(to, from, 32)),
      encodeHexKey: (to, from) => core.exports.hexEncode(to, from, 32),
    },
    zones,
    statistics: () => prometheusLines(statistics()),
    stop,
    onFault: (error) => log("error", `UAPI: ${error instanceof Error ? error.message : error}`),
  });
}

/** The engine, and the sockets for what is theirs. */
export function configTarget({ engine, sockets }: Pick<ControlOptions, "engine" | "sockets">): ConfigTarget {
  return {
    setPrivateKey: (key) => engine.setPrivateKey(key),
    setListenPort: (port) => {
      if (sockets.setPort(port)) engine.clearSources();
    },
    setFirewallMark: (mark) => {
      if (mark === sockets.mark) return;
      sockets.setMark(mark);
      engine.clearSources();
    },
    removeAllPeers: () => engine.removeAllPeers(),
    findPeer: (publicKey) => engine.findPeer(publicKey),
    createPeer: (publicKey) => engine.createPeer(publicKey),
    removePeer: (peer) => {
      const own = engine.findPeer(peer.publicKey);
      if (own !== undefined) engine.removePeer(own);
    },
    privateKey: () => engine.privateKey(),
    listenPort: () => sockets.port,
    firewallMark: () => sockets.mark,
    peers: () => engine.peers(),
  };
}
