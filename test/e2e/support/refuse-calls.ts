/**
 * As a program: becomes another one for which the kernel refuses some system calls, as a container's filter does.
 *   node refuse-calls.ts seccomp,landlock_create_ruleset PROGRAM ARGUMENT…
 */
import { Filter, refuse } from "../../../host/confine/filter.ts";
import { filterArchitecture, installFilter } from "../../../host/confine/install-filter.ts";
import { SECCOMP } from "../../../host/ffi/constants.ts";
import { EPERM } from "../../../host/ffi/errno.ts";
import { replaceProcess } from "../../../host/ffi/execute.ts";
import { check, openLibc } from "../../../host/ffi/libc.ts";
import { type SystemCallName, systemCall } from "../../../host/ffi/system-calls.ts";

const [calls = "", program = "", ...args] = process.argv.slice(2);
const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
const filter = new Filter();
filter.requireArchitecture(filterArchitecture());
filter.decide(
  calls.split(",").map((name) => systemCall(name as SystemCallName)!),
  refuse(EPERM),
);
filter.finish(SECCOMP.SECCOMP_RET_ALLOW);
check("seccomp", installFilter(libc, filter, "this"));
replaceProcess(libc, { program, argv: [program, ...args], environment: process.env as Record<string, string> });
