/**
 * A way that leads nowhere but to this machine's loopback, for tests of what stands in front of it. Names are looked up in a table, so
 * that a test sees who asked for which.
 */
import { createSocket } from "node:dgram";
import { connect, createServer, Socket } from "node:net";
import type { Target, Way } from "../../../../host/proxy/way.ts";

export interface DirectWay extends Way {
  /** Every target that was asked for. */
  readonly asked: Target[];
  readonly names: Map<string, string>;
}

export function directWay(): DirectWay {
  const asked: Target[] = [];
  const names = new Map<string, string>();
  const resolve = (target: Target): Target => {
    asked.push(target);
    const host = names.get(target.host) ?? target.host;
    if (!/^[\d.]+$|:/.test(host)) throw Object.assign(new Error(`${host} is unknown`), { code: "ENOTFOUND" });
    return { host, port: target.port };
  };
  const open = async (port: number, onDatagram: Parameters<Way["datagrams"]>[0]) => {
    const socket = createSocket("udp4");
    socket.on("error", () => {});
    socket.on("message", (payload, from) => onDatagram(payload, { host: from.address, port: from.port }));
    await new Promise<void>((done) => socket.bind({ port, address: "127.0.0.1" }, done));
    return {
      send: (payload: Uint8Array, to: Target) => {
        const { host, port: toPort } = resolve(to);
        socket.send(payload, toPort, host, () => {});
      },
      close: () => void socket.close(),
    };
  };
  return {
    asked,
    names,
    connect: (target) => {
      try {
        return connect({ ...resolve(target), allowHalfOpen: true });
      } catch (error) {
        return new Socket().destroy(error as Error);
      }
    },
    datagrams: (onDatagram) => open(0, onDatagram),
    correspond: async (target, onAnswer) => {
      const { host, port } = resolve(target);
      const socket = createSocket("udp4");
      socket.on("message", (payload, from) => {
        if (from.port === port && from.address === host) onAnswer(payload);
      });
      socket.on("error", () => {});
      await new Promise<void>((done) => socket.connect(port, host, done));
      return { send: (payload: Uint8Array) => socket.send(payload, () => {}), close: () => void socket.close() };
    },
    bind: open,
    listen: async (port, onConnection) => {
      const server = createServer({ allowHalfOpen: true }, onConnection);
      await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
      return { close: () => void server.close() };
    },
  };
}
