/** Whether a request was addressed to this machine itself. */

/**
 * For listeners on loopback without a login: a web page whose name has been pointed at this machine (DNS rebinding) asks by that name.
 * @param host the Host field
 */
export function namesThisMachine(host: string | undefined): boolean {
  return /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i.test(host ?? "");
}

/** Whether only this machine can reach a listener at the address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
