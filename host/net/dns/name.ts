/** Domain names as a stub resolver needs them (RFC 1035 §2.3.1, RFC 1123 §2.1): lower case, ASCII, without the last dot. */

const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 253;
/**
 * Special names (RFC 6761, RFC 7686) that no name server may be asked about. There is no loopback inside a tunnel, so
 * "localhost" does not exist there either.
 */
const NEVER_ASKED = ["localhost", "invalid", "onion"];

/** @returns undefined if it cannot be a name; international ones become their ASCII form */
export function normalizeName(text: string): string | undefined {
  let name = text;
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) <= 0x7f) continue;
    const ascii = asciiForm(name);
    if (ascii === undefined) return undefined;
    name = ascii;
    break;
  }
  name = name.toLowerCase();
  if (name.endsWith(".")) name = name.slice(0, -1);
  if (name.length === 0 || name.length > NAME_BYTES_MAX) return undefined;
  const labels = name.split(".");
  return labels.every((label) => label.length <= LABEL_BYTES_MAX && /^[a-z0-9_-]+$/.test(label)) ? name : undefined;
}

/** By the rules for URLs (UTS 46), which every runtime knows. */
function asciiForm(name: string): string | undefined {
  try {
    return new URL(`http://${name}`).hostname;
  } catch {
    return undefined;
  }
}

export function isNeverAsked(name: string): boolean {
  return NEVER_ASKED.some((special) => name === special || name.endsWith(`.${special}`));
}

/** What to ask for, in order: names with dots as they are first, others in the search domains first (as with ndots:1). */
export function candidates(text: string, name: string, search: readonly string[]): string[] {
  if (text.endsWith(".")) return [name];
  const inDomains = search.map((domain) => `${name}.${domain}`).filter((long) => long.length <= NAME_BYTES_MAX);
  return name.includes(".") ? [name, ...inDomains] : [...inDomains, name];
}
