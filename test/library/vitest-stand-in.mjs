// Stands in for vitest in runtimes that it does not start in: runs tests in their order, with vitest's own `expect`,
// and tells every result in a line. What the API's tests do not use is not here.
import { chai, GLOBAL_EXPECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from "@vitest/expect";

const LIMIT_MS = 60_000;
const POLL_MS = 10_000;
const LOOK_AGAIN_MS = 20;

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export function expect(value, message) {
  return chai.expect(value, message);
}
Object.assign(expect, chai.expect);
globalThis[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false, isExpectingAssertionsError: null }, expect);

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));

async function until(limitMs, check) {
  for (const end = performance.now() + limitMs; ; await pause()) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

/** Every matcher, asked again until it holds. */
expect.poll = (value, { timeout = POLL_MS } = {}) => {
  const asked = (negated) =>
    new Proxy(
      {},
      {
        get: (_, matcher) => {
          if (matcher === "not") return asked(true);
          return (...expected) =>
            until(timeout, async () => {
              const assertion = expect(await value());
              (negated ? assertion.not : assertion)[matcher](...expected);
            });
        },
      },
    );
  return asked(false);
};

export const vi = { waitFor: (check, { timeout = POLL_MS } = {}) => until(timeout, check) };

const tests = [];
/** The file's own hooks, then those of each group around: what `it` finds in force. */
let frames = [];
let atEnd = [];

function frame(name) {
  return { name, beforeAll: [], beforeEach: [], afterEach: [], afterAll: [], left: 0, begun: false };
}

/** What is read from here on is another file's. */
export function beginFile() {
  frames = [frame("")];
}
beginFile();

const hook = (kind) => (run) => void frames.at(-1)[kind].push(run);
export const beforeAll = hook("beforeAll");
export const beforeEach = hook("beforeEach");
export const afterEach = hook("afterEach");
export const afterAll = hook("afterAll");

export function onTestFinished(run) {
  atEnd.push(run);
}

function named(name, values) {
  let next = 0;
  const list = Array.isArray(values) ? values : [values];
  return name.replace(/%[sdo]/g, () => String(list[next++])).replace(/\$(\w+)/g, (_, key) => String(values?.[key]));
}

function withEach(add) {
  const each = (cases) => (name, run, limit) => {
    for (const values of cases) {
      add(named(name, values), (context) => (Array.isArray(values) ? run(...values) : run(values, context)), limit);
    }
  };
  return Object.assign(add, { each, for: each });
}

export const it = withEach((name, run, limit) => {
  for (const each of frames) each.left += 1;
  const limitMs = typeof limit === "number" ? limit : LIMIT_MS;
  const names = [...frames.map((each) => each.name), name].filter((part) => part !== "");
  tests.push({ name: names.join(" > "), run, limitMs, frames: [...frames] });
});
export const test = it;

export const describe = withEach((name, body) => {
  frames.push(frame(name));
  body();
  frames.pop();
});

async function within(limitMs, promise) {
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

class Skipped extends Error {}

function skip(reason) {
  throw new Skipped(reason);
}

async function attempt({ run, limitMs, frames: around }) {
  atEnd = [];
  const failures = [];
  const caught = (error) => failures.push(error);
  const context = { expect, onTestFinished, skip };
  const take = (step) => within(limitMs, (async () => step(context))());
  const before = async () => {
    for (const each of around) {
      if (!each.begun) for (const step of each.beforeAll) await take(step);
      each.begun = true;
    }
    for (const each of around) for (const step of each.beforeEach) await take(step);
    await take(run);
  };
  await before().catch(caught);
  for (const end of atEnd.reverse()) await take(end).catch(caught);
  const inward = [...around].reverse();
  for (const each of inward) for (const step of each.afterEach) await take(step).catch(caught);
  for (const each of inward) {
    each.left -= 1;
    if (each.left === 0) for (const step of each.afterAll) await take(step).catch(caught);
  }
  return failures;
}

/** Once the files have been read. @returns what failed */
export async function runTests() {
  let failed = 0;
  let skipped = 0;
  for (const each of tests) {
    const failures = await attempt(each);
    if (failures.length === 1 && failures[0] instanceof Skipped) {
      console.log(`skipped ${each.name}: ${failures[0].message}`);
      skipped += 1;
      continue;
    }
    console.log(`${failures.length === 0 ? "ok" : "FAILED"} ${each.name}`);
    for (const failure of failures) console.log(failure);
    failed += failures.length;
  }
  console.log(`${tests.length - skipped} tests, ${failed} failures`);
  return tests.length === 0 ? 1 : failed;
}
