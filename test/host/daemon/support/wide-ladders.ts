// What `WideLadders` tells in this runtime when peers become many, and what V8 tells of compiling the kernel, as lines of stdout.
import { loadCore } from "../../../../host/core/load.ts";
import { compileLadders, WideLadders } from "../../../../host/daemon/wide-ladders.ts";

if (process.argv[2] === "traced") {
  await compileLadders();
} else {
  const core = await loadCore({ maxPeers: 8, maxAllowedIps: 8 }, "shared");
  const told: string[] = [];
  const ladders = new WideLadders(core, (message) => told.push(message));
  for (const slot of [0, 1, 63]) ladders.peerCreated(slot);
  await new Promise((resolve) => setTimeout(resolve, 1));
  const few = [...told];
  for (const slot of [64, 65, 64]) ladders.peerCreated(slot);
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  console.log(JSON.stringify({ few, told }));
}
