/** The library: `import { Device } from "wasmguard"`. */
import { provideSystem } from "./event/system.ts";
import { nodeSystem } from "./event/system-node.ts";

provideSystem(nodeSystem);

export * from "./browser.ts";
export { DgramBind, type DgramBindOptions } from "./event/bind-dgram.ts";
export { DescriptorTun } from "./event/tun-descriptor.ts";
