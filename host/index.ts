/** The library: `import { Device } from "wasmguard"`. */
import { provideSystem } from "./io/event/system.ts";
import { nodeSystem } from "./io/event/system-node.ts";

provideSystem(nodeSystem);

export * from "./browser.ts";
export { DgramBind, type DgramBindOptions } from "./io/event/bind-dgram.ts";
export { DescriptorTun } from "./io/event/tun-descriptor.ts";
