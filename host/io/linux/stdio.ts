/** Cuts a daemon loose from the terminal it was started on, once it is ready. */
import { FILE } from "../../ffi/constants.ts";
import { check, type Libc } from "../../ffi/libc.ts";

/** Point descriptors (0 stdin, 1 stdout, 2 stderr) at /dev/null. @throws SystemError */
export function detachStdio(libc: Libc, descriptors: readonly number[] = [0, 1, 2]): void {
  const fd = check("open", libc.open(libc.text("/dev/null"), FILE.O_RDWR | FILE.O_CLOEXEC, 0), "/dev/null");
  for (const target of descriptors) check("dup2", libc.dup2(fd, target));
  // It is one of them when that one was closed before.
  if (!descriptors.includes(fd)) libc.close(fd);
}
