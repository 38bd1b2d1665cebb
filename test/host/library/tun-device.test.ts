/** A device on a real TUN interface by its descriptor, in a namespace of its own; the far end is in memory. */
import { createSocket } from "node:dgram";
import { expect, it } from "vitest";
import { openLibc } from "../../../host/ffi/libc.ts";
import { DescriptorTun } from "../../../host/index.ts";
import { openTun } from "../../../host/os/linux/tun.ts";
import { enterNetworkNamespace, ip } from "../../support/namespace.ts";
import { closeAll, introduce, makeNode, type Node, nextPacket } from "./support.ts";

const skipped = await enterNetworkNamespace();

/** Answer an IPv4 UDP packet: addresses and ports change places, so no checksum changes. */
function turned(packet: Uint8Array): Uint8Array {
  const answer = packet.slice();
  const move = (to: number, from: number, length: number) => answer.set(packet.subarray(from, from + length), to);
  move(12, 16, 4);
  move(16, 12, 4);
  move(20, 22, 2);
  move(22, 20, 2);
  return answer;
}

it("a program's datagram goes through a real TUN device and comes back", async (context) => {
  if (skipped !== undefined) return context.skip(skipped);
  const libc = await openLibc(new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }));
  const { fd } = openTun(libc, "lib0", { vnetHeader: false });
  ip("addr add 10.0.0.1/24 dev lib0");
  ip("link set lib0 up");
  const nodes: [Node, Node] = [await makeNode(1, { tun: new DescriptorTun(fd) }), await makeNode(2)];
  for (const { device } of nodes) await device.start();
  introduce(nodes[0], nodes[1], "endpoint");
  introduce(nodes[1], nodes[0], "endpoint");

  const socket = createSocket("udp4");
  const answer = new Promise((resolve) => socket.on("message", (bytes) => resolve(bytes.toString())));
  socket.send("through the tunnel", 9999, "10.0.0.2");
  let packet = await nextPacket(nodes[1]);
  while (packet[9] !== 17) packet = await nextPacket(nodes[1]);
  nodes[1].host.write(turned(packet));
  expect(await answer).toBe("through the tunnel");
  socket.close();
  await closeAll(nodes);
});
