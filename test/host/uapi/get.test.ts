import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { World } from "./support/connection.ts";
import { PEER_A, PEER_B, PEER_C, PRESHARED, PRIVATE, ZERO } from "./support/keys.ts";

let world: World;
beforeAll(async () => {
  world = await World.create({ inputBytes: 1024, outputBytes: 1024 });
});
beforeEach(() => world.reset());

function get(): string {
  return world.ask("get=1\n\n");
}

function peerLines(key: string): string {
  return (
    `public_key=${key}\npreshared_key=${ZERO}\nprotocol_version=1\nlast_handshake_time_sec=0\n` +
    "last_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
  );
}

describe("get", () => {
  it("of a bare device is just the errno", () => expect(get()).toBe("errno=0\n\n"));

  it("tells everything, in wireguard-go's order", () => {
    world.ask(
      `set=1\nprivate_key=${PRIVATE}\nlisten_port=51820\nfwmark=66\npublic_key=${PEER_A}\npreshared_key=${PRESHARED}\n` +
        "endpoint=[fe80::1%eth0]:9\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=2001:db8::/32\n" +
        "allowed_ip=10.1.0.0/16\n\n",
    );
    const [peer] = world.target.peers();
    peer!.handshake = { seconds: 1765432100, nanoseconds: 123456789 };
    peer!.sent = 2n ** 64n - 1n;
    peer!.got = 42n;
    expect(get()).toBe(
      `private_key=${PRIVATE}\nlisten_port=51820\nfwmark=66\npublic_key=${PEER_A}\npreshared_key=${PRESHARED}\n` +
        "protocol_version=1\nendpoint=[fe80::1%eth0]:9\nlast_handshake_time_sec=1765432100\n" +
        "last_handshake_time_nsec=123456789\ntx_bytes=18446744073709551615\nrx_bytes=42\n" +
        "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=2001:db8::/32\nallowed_ip=10.1.0.0/16\n" +
        "errno=0\n\n",
    );
  });

  it("has a zero preshared key for a peer without one, and peers in the order they were made", () => {
    world.ask(`set=1\npublic_key=${PEER_C}\npublic_key=${PEER_A}\npublic_key=${PEER_B}\npublic_key=${PEER_C}\n\n`);
    expect(get()).toBe(`${peerLines(PEER_C)}${peerLines(PEER_A)}${peerLines(PEER_B)}errno=0\n\n`);
  });

  it("is the same through a client that reads byte by byte", () => {
    const lines = Array.from({ length: 200 }, (_, i) => `allowed_ip=10.0.${i}.0/24\n`).join("");
    world.ask(`set=1\npublic_key=${PEER_A}\n${lines}public_key=${PEER_B}\n\n`);
    const expected = `${peerLines(PEER_A)}${lines}${peerLines(PEER_B)}errno=0\n\n`;
    const connection = world.connect();
    connection.pieceBytes = 1;
    connection.send("get=1\n\n");
    expect(connection.answers).toBe(expected);
    expect(get()).toBe(expected);
  });

  it("leaves out peers that go, and peers that come, while a slow client reads", () => {
    const many = Array.from({ length: 40 }, (_, i) => `allowed_ip=10.0.${i}.0/24\n`).join("");
    world.ask(`set=1\npublic_key=${PEER_A}\n${many}public_key=${PEER_B}\n\n`);
    const connection = world.connect();
    const { address } = connection.session.inputRoom();
    new Uint8Array(world.memory.buffer).set(Buffer.from("get=1\n\n"), address);
    connection.session.received(7);
    world.target.removeAllPeers();
    new Uint8Array(world.memory.buffer).set(Buffer.from(PEER_C, "hex"));
    world.target.createPeer(0);
    connection.drain();
    expect(connection.answers.startsWith(peerLines(PEER_A))).toBe(true);
    expect(connection.answers).not.toContain(PEER_B);
    expect(connection.answers).not.toContain(PEER_C);
    expect(connection.answers.endsWith("/24\nerrno=0\n\n")).toBe(true);
  });

  it("has an errno, positive, when the device fails", () => {
    world.target.peers = () => {
      throw new TypeError("fault");
    };
    expect(get()).toBe("errno=55\n\n");
    expect(world.faults).toHaveLength(1);
  });
});
