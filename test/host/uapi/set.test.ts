import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RouteLimitError } from "../../../host/errors.ts";
import { World } from "./support/connection.ts";
import { OWN_PUBLIC, PEER_A, PEER_B, PRESHARED, PRIVATE, ZERO } from "./support/keys.ts";
import { FORBIDDEN_MARK, TAKEN_PORT } from "./support/memory-target.ts";

let world: World;
beforeAll(async () => {
  world = await World.create();
});
beforeEach(() => world.reset());

function set(...lines: string[]): string {
  return world.ask(`set=1\n${lines.map((line) => `${line}\n`).join("")}\n`);
}

/** One section for PEER_A. */
function peer(...lines: string[]): string {
  return set(`public_key=${PEER_A}`, ...lines);
}

function peers() {
  return [...world.target.peers()];
}

const OK = "errno=0\n\n";
const INVALID = "errno=-22\n\n";
const PROTOCOL = "errno=-71\n\n";
const IN_USE = "errno=-98\n\n";

describe("device lines", () => {
  it.each([
    [`private_key=${PRIVATE}`, OK],
    [`private_key=${PRIVATE.toUpperCase()}`, OK],
    [`private_key=${ZERO}`, OK],
    [`private_key=${PRIVATE.slice(1)}`, INVALID],
    [`private_key=${PRIVATE}0`, INVALID],
    [`private_key=${PRIVATE.slice(1)}g`, INVALID],
    [`private_key=${PRIVATE}\r`, INVALID],
    ["private_key=", INVALID],
    ["listen_port=0", OK],
    ["listen_port=51820", OK],
    ["listen_port=65535", OK],
    ["listen_port=000080", OK],
    ["listen_port=65536", INVALID],
    ["listen_port=-1", INVALID],
    ["listen_port=+1", INVALID],
    ["listen_port= 1", INVALID],
    ["listen_port=0x1", INVALID],
    ["listen_port=1.0", INVALID],
    ["listen_port=", INVALID],
    [`listen_port=1${"0".repeat(400)}`, INVALID],
    [`listen_port=${TAKEN_PORT}`, IN_USE],
    ["fwmark=0", OK],
    ["fwmark=4294967295", OK],
    ["fwmark=4294967296", INVALID],
    ["fwmark=0x10", INVALID],
    ["fwmark=", INVALID],
    [`fwmark=${FORBIDDEN_MARK}`, IN_USE],
    ["replace_peers=true", OK],
    ["replace_peers=false", INVALID],
    ["replace_peers=TRUE", INVALID],
    ["replace_peers=", INVALID],
    ["nonsense=1", INVALID],
    ["listen_por=1", INVALID],
    ["listen_portt=1", INVALID],
    ["=1", INVALID],
    ["=", INVALID],
    ["preshared_key=", INVALID],
    ["allowed_ip=10.0.0.0/8", INVALID],
    ["remove=true", INVALID],
    ["update_only=true", INVALID],
    ["endpoint=192.0.2.1:1", INVALID],
    ["persistent_keepalive_interval=1", INVALID],
    ["replace_allowed_ips=true", INVALID],
    ["protocol_version=1", INVALID],
    ["listen_port", PROTOCOL],
    ["x", PROTOCOL],
    ["\r", PROTOCOL],
    [PRIVATE, PROTOCOL],
  ])("%j answers %j", (line, answer) => {
    expect(set(line)).toBe(answer);
    expect(world.faults).toEqual([]);
  });

  it("reach the device", () => {
    set(`private_key=${PRIVATE}`, "listen_port=51820", "fwmark=4294967295");
    expect(Buffer.from(world.target.bytes(world.target.privateKey()!)).toString("hex")).toBe(PRIVATE);
    expect(world.target.events).toEqual(["private_key", "listen_port 51820", "fwmark 4294967295"]);
  });

  it("a zero private key removes the identity", () => {
    set(`private_key=${PRIVATE}`);
    set(`private_key=${ZERO}`);
    expect(world.target.privateKey()).toBeUndefined();
  });

  it("a private key removes the peer that has its public key", () => {
    set(`public_key=${OWN_PUBLIC}`, `public_key=${PEER_A}`);
    set(`private_key=${PRIVATE}`);
    expect(peers().map(({ name }) => name)).toEqual([PEER_A]);
  });

  it("a port that is taken leaves port 0", () => {
    set("listen_port=1234");
    expect(set(`listen_port=${TAKEN_PORT}`)).toBe(IN_USE);
    expect(world.target.port).toBe(0);
  });

  it("replace_peers removes all peers before those that follow", () => {
    set(`public_key=${PEER_A}`);
    set("replace_peers=true", `public_key=${PEER_B}`);
    expect(peers().map(({ name }) => name)).toEqual([PEER_B]);
  });
});

describe("peer lines", () => {
  it.each([
    ["preshared_key=", INVALID],
    [`preshared_key=${PRESHARED}`, OK],
    [`preshared_key=${ZERO}`, OK],
    [`preshared_key=${PRESHARED}1`, INVALID],
    ["update_only=true", OK],
    ["update_only=1", INVALID],
    ["remove=true", OK],
    ["remove=false", INVALID],
    ["endpoint=192.0.2.1:51820", OK],
    ["endpoint=[2001:db8::1]:51820", OK],
    ["endpoint=[fe80::1%eth0]:1", OK],
    ["endpoint=[fe80::1%7]:1", OK],
    ["endpoint=[fe80::1%nope]:1", INVALID],
    ["endpoint=example.org:51820", INVALID],
    ["endpoint=192.0.2.1", INVALID],
    ["endpoint=", INVALID],
    ["persistent_keepalive_interval=0", OK],
    ["persistent_keepalive_interval=65535", OK],
    ["persistent_keepalive_interval=65536", INVALID],
    ["persistent_keepalive_interval=off", INVALID],
    ["replace_allowed_ips=true", OK],
    ["replace_allowed_ips=no", INVALID],
    ["allowed_ip=10.0.0.0/8", OK],
    ["allowed_ip=0.0.0.0/0", OK],
    ["allowed_ip=::/0", OK],
    ["allowed_ip=-10.0.0.0/8", OK],
    ["allowed_ip=-2001:db8::/32", OK],
    ["allowed_ip=10.0.0.0", INVALID],
    ["allowed_ip=10.0.0.0/33", INVALID],
    ["allowed_ip=--10.0.0.0/8", INVALID],
    ["allowed_ip=+10.0.0.0/8", INVALID],
    ["allowed_ip=-", INVALID],
    ["allowed_ip=", INVALID],
    ["protocol_version=1", OK],
    ["protocol_version=2", INVALID],
    ["protocol_version=", INVALID],
    [`public_key=${PEER_B}`, OK],
    [`public_key=${PEER_B.slice(2)}`, INVALID],
    ["public_key=", INVALID],
    [`private_key=${PRIVATE}`, INVALID],
    ["listen_port=1", INVALID],
    ["fwmark=1", INVALID],
    ["replace_peers=true", INVALID],
    ["nonsense=1", INVALID],
    ["remove", PROTOCOL],
  ])("%j answers %j", (line, answer) => {
    expect(peer(line)).toBe(answer);
    world.reset();
    set(`private_key=${PRIVATE}`);
    const inDiscarded = set(`public_key=${OWN_PUBLIC}`, line);
    expect(inDiscarded, "in a section that is discarded").toBe(answer);
    expect(world.faults).toEqual([]);
  });

  it("reach the peer, which is committed at the end of its section", () => {
    peer(
      `preshared_key=${PRESHARED}`,
      "endpoint=[fe80::1%eth0]:51820",
      "persistent_keepalive_interval=25",
      "allowed_ip=10.1.2.3/8",
      "allowed_ip=2001:db8:1::1/32",
      `public_key=${PEER_B}`,
    );
    const [a, b] = peers();
    expect(Buffer.from(world.target.bytes(a!.presharedKey)).toString("hex")).toBe(PRESHARED);
    expect(a!.remote).toMatchObject({ port: 51820, scope: 2 });
    expect(a!.keepalive).toBe(25);
    expect([...a!.ips.keys()]).toEqual(["10.0.0.0/8", "2001:db8::/32"]);
    expect(b!.name).toBe(PEER_B);
    expect(world.target.events).toEqual(["create b859", "commit b859", "create 5840", "commit 5840"]);
  });

  it("change a peer that exists", () => {
    peer("persistent_keepalive_interval=25");
    peer("endpoint=192.0.2.1:1");
    expect(peers()).toHaveLength(1);
    expect(peers()[0]).toMatchObject({ keepalive: 25, remote: { port: 1 } });
  });

  it("update_only drops a peer that was just created, with the lines that follow", () => {
    peer("update_only=true", "persistent_keepalive_interval=25");
    expect(peers()).toEqual([]);
    expect(world.target.events).toEqual(["create b859", "remove b859"]);
  });

  it("update_only keeps a peer that exists", () => {
    peer();
    peer("update_only=true", "persistent_keepalive_interval=25");
    expect(peers()[0]!.keepalive).toBe(25);
  });

  it("remove takes the peer away; later lines of its section do nothing", () => {
    peer();
    world.target.events.length = 0;
    expect(peer("remove=true", "allowed_ip=10.0.0.0/8", "remove=true", "update_only=true")).toBe(OK);
    expect(peers()).toEqual([]);
    expect(world.target.events).toEqual(["remove b859"]);
  });

  it("the device's own key opens a section without effect", () => {
    set(`private_key=${PRIVATE}`);
    expect(set(`public_key=${OWN_PUBLIC}`, "allowed_ip=10.0.0.0/8", `public_key=${PEER_A}`)).toBe(OK);
    expect(peers().map(({ name }) => name)).toEqual([PEER_A]);
    expect(world.target.owners.size).toBe(0);
  });

  it("allowed_ip takes the prefix from another peer; a leading '-' gives up only the peer's own", () => {
    peer("allowed_ip=10.0.0.0/8", "allowed_ip=10.1.0.0/16");
    set(`public_key=${PEER_B}`, "allowed_ip=10.0.0.0/8", "allowed_ip=-10.1.0.0/16");
    expect(peers().map(({ ips }) => [...ips.keys()])).toEqual([["10.1.0.0/16"], ["10.0.0.0/8"]]);
    peer("allowed_ip=-10.1.99.99/16");
    expect(peers()[0]!.ips.size).toBe(0);
  });

  it("replace_allowed_ips forgets those so far", () => {
    peer("allowed_ip=10.0.0.0/8", "replace_allowed_ips=true", "allowed_ip=10.2.0.0/16");
    expect([...peers()[0]!.ips.keys()]).toEqual(["10.2.0.0/16"]);
  });

  it("too many peers are refused", () => {
    const keys = Array.from(
      { length: world.target.maxPeers + 1 },
      (_, i) => `public_key=${i.toString(16).padStart(64, "7")}`,
    );
    expect(set(...keys)).toBe(INVALID);
    expect(peers()).toHaveLength(world.target.maxPeers);
  });
});

describe("an error in a set", () => {
  it("that stems from a full routing table is EINVAL, and no fault", () => {
    peer();
    const [only] = peers();
    only!.addAllowedIp = () => {
      throw new RouteLimitError();
    };
    expect(peer("allowed_ip=10.0.0.0/8")).toBe(INVALID);
    expect(world.faults).toEqual([]);
  });

  it("leaves what was applied, does not commit the current peer, and closes at the rest of the input", () => {
    const connection = world.connect();
    connection.send(`set=1\nlisten_port=1\npublic_key=${PEER_A}\npublic_key=${PEER_B}\nbad=1\n`);
    expect(connection.answers).toBe(INVALID);
    expect(connection.session.closed).toBe(false);
    connection.send(`persistent_keepalive_interval=25\n\nget=1\n\n`);
    expect(connection.answers).toBe(INVALID);
    expect(connection.session.closed).toBe(true);
    expect(world.target.events).toEqual(["listen_port 1", "create b859", "commit b859", "create 5840"]);
    expect(world.areasAreWiped()).toBe(true);
  });

  it("of the target that is no UapiError is reported and answered with 55", () => {
    const fault = new TypeError("fault");
    world.target.setListenPort = () => {
      throw fault;
    };
    expect(set("listen_port=1")).toBe("errno=-55\n\n");
    expect(world.faults).toEqual([fault]);
  });

  it("a peer removed by another client in the middle of its section is left alone", () => {
    const connection = world.connect();
    connection.send(`set=1\npublic_key=${PEER_A}\n`);
    world.target.removeAllPeers();
    world.target.events.length = 0;
    connection.send("persistent_keepalive_interval=25\n\n");
    expect(connection.answers).toBe(OK);
    expect(world.target.events).toEqual([]);
  });
});
