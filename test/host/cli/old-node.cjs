// Preloaded: takes this Node for one of before what we support.
Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.0" } });
