// Looks for running times that depend on secrets, in the compiled code that the JavaScript engine runs: README.md says how
// to read the result.
import { newWorkspace } from "../../host/crypto/ciphers-module.ts";
import { main as curve } from "../../host/crypto/x25519-module.ts";
import { positive, readCommandLine } from "../command-line.ts";
import { kernelObstacle, loadAnswers } from "./answers.ts";
import { compare } from "./welch.ts";

/** dudect's own threshold for "this leaks". */
const LEAK = 10;
const WARM_UP = 2000;
const USAGE = `npm run bench:dudect [-- options]
  --seconds N   of each subject (20)`;
const SECONDS = positive(
  USAGE,
  "seconds",
  readCommandLine(USAGE, { seconds: { type: "string", default: "20" } }).seconds,
);

interface Subject {
  readonly name: string;
  /** What the two classes of secrets are. */
  readonly classes: readonly [string, string];
  /** Calls per measurement, so that the clock's grain does not matter. */
  readonly calls: number;
  /** Put the next secret of a class in place: by the same steps for both. */
  prepare(secretClass: 0 | 1): void;
  run(): void;
}

const AREA_BYTES = 65_536;
const { exports, bytes, staging } = newWorkspace(AREA_BYTES);
const [A, B, OUT, NONCE, SECRET] = [staging, staging + 64, staging + 128, staging + 256, staging + 320];
const MESSAGE = staging + 1024;
// X25519 has a memory of its own. A pair's results lie behind its points.
const [RESULT, SCALAR, POINT, OTHER_POINT] = [curve.staging, curve.args, curve.args + 32, curve.args + 64];
const BOTH_RESULTS = OTHER_POINT + 32;
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Both classes come from arrays that were filled in the same way. */
const scratch = new Uint8Array(32);
const fresh = new Uint8Array(32);

function tagsThatDiffer(at: (secretClass: 0 | 1) => number): (secretClass: 0 | 1) => void {
  const tag = random(16);
  return (secretClass) => {
    scratch.set(tag);
    scratch[at(secretClass)]! ^= 1;
    bytes.set(tag, A);
    bytes.set(scratch.subarray(0, 16), B);
  };
}

/** `scratch` = for class 0 always the same scalar, for class 1 a random one: one step more for one of them would be seen as a difference. */
function pickScalar(secretClass: 0 | 1, fixed: Uint8Array): void {
  crypto.getRandomValues(fresh);
  scratch.set(secretClass === 0 ? fixed : fresh);
}

function scalars(fixed: Uint8Array): (secretClass: 0 | 1) => void {
  return (secretClass) => {
    pickScalar(secretClass, fixed);
    curve.bytes.set(scratch, SCALAR);
  };
}

curve.bytes.set(random(32), SCALAR);
curve.exports.x25519Base(RESULT, SCALAR);
const publicKey = curve.bytes.slice(RESULT, RESULT + 32);

/** Class 0: the first point of a pair has small order. Class 1: the second one has. */
function smallOrderPoints(secretClass: 0 | 1): void {
  curve.bytes.set(publicKey, POINT);
  curve.bytes.set(publicKey, OTHER_POINT);
  curve.bytes.fill(0, POINT + 32 * secretClass, POINT + 32 * secretClass + 32);
}

function forgedMessage(): (secretClass: 0 | 1) => void {
  const length = 64;
  bytes.set(random(32), SECRET);
  bytes.set(random(length), MESSAGE);
  exports.aeadSeal(MESSAGE, MESSAGE, length, SECRET, NONCE, 0, 0);
  const sealed = bytes.slice(MESSAGE, MESSAGE + length + 16);
  const key = bytes.slice(SECRET, SECRET + 32);
  return (secretClass) => {
    const forged = Uint8Array.from(sealed);
    forged[secretClass === 0 ? length : length + 15]! ^= 1;
    bytes.set(forged, MESSAGE);
    bytes.set(key, SECRET);
  };
}

/** A comparison that stops at the first difference: what the method must find. */
function leakyEqual(): boolean {
  for (let i = 0; i < 16; i++) if (bytes[A + i] !== bytes[B + i]) return false;
  return true;
}

const firstOrLast = tagsThatDiffer((secretClass) => (secretClass === 0 ? 0 : 15));
const subjects: Subject[] = [
  {
    name: "control: a comparison that leaks",
    classes: ["first byte differs", "last byte differs"],
    calls: 100,
    prepare: firstOrLast,
    run: leakyEqual,
  },
  {
    name: "tag comparison",
    classes: ["first byte differs", "last byte differs"],
    calls: 100,
    prepare: firstOrLast,
    run: () => exports.equal16(A, B),
  },
  {
    name: "opening a forged message",
    classes: ["first byte of the tag differs", "last byte differs"],
    calls: 1,
    prepare: forgedMessage(),
    run: () => exports.aeadOpen(OUT, MESSAGE, 64, SECRET, NONCE, 0, 0),
  },
  ...[
    { fixed: new Uint8Array(32), text: "scalar of zeros" },
    { fixed: new Uint8Array(32).fill(255), text: "scalar of ones" },
  ].flatMap(({ fixed, text }): Subject[] => [
    {
      name: `X25519 shared secret, ${text}`,
      classes: [text, "random scalar"],
      calls: 1,
      prepare: scalars(fixed),
      run: () => {
        curve.bytes.set(publicKey, POINT);
        curve.exports.x25519(RESULT, SCALAR, POINT);
      },
    },
    {
      name: `two X25519 shared secrets at once, ${text}`,
      classes: [text, "random scalar"],
      calls: 1,
      prepare: scalars(fixed),
      run: () => {
        curve.bytes.set(publicKey, POINT);
        curve.bytes.set(publicKey, OTHER_POINT);
        curve.exports.x25519Both(BOTH_RESULTS, SCALAR, POINT, SCALAR, OTHER_POINT);
      },
    },
    {
      name: `X25519 public key, ${text}`,
      classes: [text, "random scalar"],
      calls: 1,
      prepare: scalars(fixed),
      run: () => curve.exports.x25519Base(RESULT, SCALAR),
    },
  ]),
];

subjects.push({
  name: "two X25519 shared secrets at once, one of them refused",
  classes: ["the first", "the second"],
  calls: 1,
  prepare: smallOrderPoints,
  run: () => curve.exports.x25519Both(BOTH_RESULTS, SCALAR, POINT, SCALAR, OTHER_POINT),
});

/** What answers take, by the core's own code. The first scalar is the secret; of two at once, the other is any. */
for (const kernel of ["none", "256 bits"] as const) {
  const reason = kernel === "none" ? undefined : kernelObstacle();
  const loaded = reason === undefined ? await loadAnswers(kernel) : undefined;
  if (loaded === undefined) {
    console.log(`X25519 of two answers at once, kernel: ${kernel}: skipped, ${reason ?? "its results are wrong here"}`);
    continue;
  }
  const { exports: core, bytes: memory, area } = loaded;
  const [scalar, other, points, keys, out] = [area, area + 64, area + 128, area + 256, area + 320];
  memory.set(random(32), other);
  const table = (area + 512 + 15) & ~15;
  memory.set(publicKey, points);
  core.makeTables(1, table, points, 0, points);
  const fresh = core.makeFresh(table + 4096, points, points) ? table + 4096 : 0;
  for (const fill of [0, 255]) {
    const text = `scalar of ${fill === 0 ? "zeros" : "ones"}`;
    const fixed = new Uint8Array(32).fill(fill);
    const prepare = (secretClass: 0 | 1): void => {
      pickScalar(secretClass, fixed);
      memory.set(scratch, scalar);
      for (let point = 0; point < 4; point++) memory.set(publicKey, points + 32 * point);
    };
    const classes = [text, "random scalar"] as const;
    if (kernel === "none" && fresh !== 0) {
      subjects.push({
        name: `X25519 of two initiations with tables, ${text}`,
        classes,
        calls: 1,
        prepare,
        run: () => core.x25519Fresh(out, scalar, fresh),
      });
    }
    for (const [how, first, comb] of kernel === "none"
      ? ([
          ["", 0, 0],
          [", with tables", fresh, table],
        ] as const)
      : ([["", 0, 0]] as const)) {
      subjects.push({
        name: `X25519 of two answers at once, kernel: ${kernel}${how}, ${text}`,
        classes,
        calls: 1,
        prepare,
        run: () => core.x25519Answers(keys, out, scalar, other, points, first, comb, comb),
      });
      if (kernel !== "none") continue;
      subjects.push({
        name: `X25519 of an answer${how}, ${text}`,
        classes,
        calls: 1,
        prepare,
        run: () => core.x25519Answer(keys, out, scalar, points, points + 32, comb),
      });
    }
  }
}

function measure({ calls, prepare, run }: Subject, seconds: number): [number[], number[]] {
  const times: [number[], number[]] = [[], []];
  const until = performance.now() + seconds * 1000;
  for (let i = 0; performance.now() < until; i++) {
    const secretClass = (random(1)[0]! & 1) as 0 | 1;
    prepare(secretClass);
    const start = performance.now();
    for (let call = 0; call < calls; call++) run();
    const end = performance.now();
    if (i > WARM_UP) times[secretClass].push((end - start) * 1e6);
  }
  return times;
}

let failed = false;
for (const subject of subjects) {
  const [a, b] = measure(subject, SECONDS);
  if (a.length < 2 || b.length < 2) {
    console.log(
      `${subject.name}: NOT MEASURED, ${SECONDS} s do not last beyond the ${WARM_UP} calls that warm it up: --seconds ${10 * SECONDS}`,
    );
    failed = true;
    continue;
  }
  const { t, differenceNs, medianNs, measurements } = compare(a, b);
  const leaks = t > LEAK;
  const control = subject.run === leakyEqual;
  if (leaks !== control) failed = true;
  const verdict = leaks ? "depends on the secret" : "no difference found";
  const figures = `|t| = ${t.toFixed(1)}, medians ${differenceNs.toFixed(0)} ns apart of ${medianNs.toFixed(0)}`;
  console.log(`${subject.name} (${subject.classes.join(" / ")}): ${verdict}; ${figures}, ${measurements} measurements`);
}
process.exitCode = failed ? 1 : 0;
