// Stands in for vitest in runtimes that it does not start in: runs tests in their order, with vitest's own `expect`,
// and tells every result in a line. What the API's tests do not use is not here.
import { chai, GLOBAL_EXPECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from "@vitest/expect";

const LIMIT_MS = 60_000;
const POLL_MS = 1000;
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
const groups = [];
let atEnd = [];

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
  tests.push({ name: [...groups, name].join(" > "), run, limitMs: typeof limit === "number" ? limit : LIMIT_MS });
});
export const test = it;

export const describe = withEach((name, body) => {
  groups.push(name);
  body();
  groups.pop();
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

async function attempt({ run, limitMs }) {
  atEnd = [];
  const failures = [];
  const caught = (error) => failures.push(error);
  await within(limitMs, (async () => run({ expect, onTestFinished, skip: () => {} }))()).catch(caught);
  for (const end of atEnd.reverse()) await within(limitMs, (async () => end())()).catch(caught);
  return failures;
}

/** Once the files have been read. @returns what failed */
export async function runTests() {
  let failed = 0;
  for (const each of tests) {
    const failures = await attempt(each);
    console.log(`${failures.length === 0 ? "ok" : "FAILED"} ${each.name}`);
    for (const failure of failures) console.log(failure);
    failed += failures.length;
  }
  console.log(`${tests.length} tests, ${failed} failures`);
  return tests.length === 0 ? 1 : failed;
}
