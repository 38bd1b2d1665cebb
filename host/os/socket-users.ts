/** Whose sockets they are, where the system tells everybody; undefined elsewhere. */
import { platform } from "../platform.ts";
import { socketUsers } from "./linux/socket-users.ts";

export const usersOfSockets = platform() === "linux" ? socketUsers : undefined;
