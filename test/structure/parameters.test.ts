// What a call means is to be read where it is made: `reduce(0, true)` says nothing. So no parameter is true or false; a word, or two
// functions, say which.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "rolldown/utils";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** Shapes of others, for programs that were written for them. */
const SHAPES_OF_OTHERS = [
  "host/sockets/conn.ts: noDelay = true", // Deno.TcpConn
  "host/sockets/socket.ts: noDelay = true", // net.Socket
  "host/sockets/socket.ts: enable = false", // net.Socket
];

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

function nodesOf(program: unknown): Node[] {
  const nodes: Node[] = [];
  const waiting = [program];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (Array.isArray(value)) waiting.push(...value);
    else if (isNode(value)) {
      nodes.push(value);
      for (const child of Object.values(value)) if (typeof child === "object") waiting.push(child);
    }
  }
  return nodes;
}

function isBoolean(type: unknown): boolean {
  if (!isNode(type)) return false;
  switch (type.type) {
    case "TSTypeAnnotation":
      return isBoolean(type.typeAnnotation);
    case "TSBooleanKeyword":
      return true;
    case "TSLiteralType":
      return typeof (type.literal as { value?: unknown }).value === "boolean";
    case "TSUnionType":
      return (type.types as unknown[]).some(isBoolean);
    default:
      return false;
  }
}

function takesBoolean(parameter: Node): boolean {
  if (parameter.type !== "AssignmentPattern") return isBoolean(parameter.typeAnnotation);
  const { left, right } = parameter as unknown as { left: Node; right: Node };
  return takesBoolean(left) || (right.type === "Literal" && typeof right.value === "boolean");
}

/** As they are written: of functions, methods, and types of functions. */
function booleanParameters(path: string, text: string): string[] {
  if (!/\bboolean\b|= (true|false)\b/.test(text)) return []; // most files: to parse takes its time
  const { program, errors } = parseSync(path, text);
  expect(errors).toEqual([]);
  return nodesOf(program)
    .flatMap(({ params }) => (Array.isArray(params) ? params.filter(isNode) : []))
    .filter(takesBoolean)
    .map(({ start, end }) => text.slice(start, end));
}

const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
    .map((name) => join(folder, name));

it("sees them in whatever shape they come", () => {
  const text = `
    function f(a: boolean, word: "yes" | "no") {}
    const g = (b = true, n = 0) => {};
    class C { m(c?: boolean | undefined) {} #p(d: boolean = false) {} isIt(): boolean { return true; } }
    interface I { m(e: boolean): void; callback: (f: true) => void; option: boolean; is: () => boolean }
  `;
  const all = ["a: boolean", "b = true", "c?: boolean | undefined", "d: boolean = false", "e: boolean", "f: true"];
  expect(booleanParameters("shapes.ts", text).sort()).toEqual(all);
});

it("no parameter of the host is a boolean, but where the shape is somebody else's", () => {
  const found = sources("host").flatMap((path) =>
    booleanParameters(path, readFileSync(join(ROOT, path), "utf8")).map((parameter) => `${path}: ${parameter}`),
  );
  expect(found.sort()).toEqual(SHAPES_OF_OTHERS.toSorted());
});

it("nor one of the core", () => {
  // Its decorators are AssemblyScript's own, which no parser of TypeScript takes.
  const found = sources("assembly").flatMap((path) =>
    [...readFileSync(join(ROOT, path), "utf8").matchAll(/[(,]\s*(\w+: bool)\b/g)].map(([, one]) => `${path}: ${one}`),
  );
  expect(found).toEqual([]);
});
