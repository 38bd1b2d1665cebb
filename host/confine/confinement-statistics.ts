/** What is in force, among the daemon's statistics. */
import { type Statistic, single } from "../metrics/statistics.ts";
import { confinementInForce } from "./confinement-status.ts";

export function* confinementStatistics(): Generator<Statistic, void> {
  const status = confinementInForce();
  if (status === undefined) return;
  const labels = {
    user: status.user,
    capabilities: status.capabilities.join(",") || "none",
    no_new_privs: status.noNewPrivileges ? "on" : "off",
    seccomp: status.seccomp ? "on" : "off",
    landlock: status.landlock === 0 ? "off" : `ABI ${status.landlock} (${status.landlockThreads})`,
    dumpable: status.dumpable ? "yes" : "no",
  };
  yield {
    name: "wasmguard_confinement_info",
    type: "gauge",
    help: "What confines the process, as labels.",
    samples: [{ labels, value: 1 }],
  };
  const bytes = "Address space for key material that is locked into memory.";
  yield single("wasmguard_key_memory_locked_bytes", "gauge", bytes, status.lockedBytes);
  const peers = "Peers whose keys fit into the locked memory; those of any further peer may be written to swap.";
  yield single("wasmguard_key_memory_locked_peers", "gauge", peers, status.lockedPeers);
}
