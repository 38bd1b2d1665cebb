// Adds up vitest's JSON reports. The last line is "N passed, N failed, N skipped".
// Usage: ci-totals.mjs FAILED-STAGES REPORT.json=EXIT-CODE...
// A report that is missing counts as one failure, and so do a test file that could not run, a run that failed for
// another reason than its tests (an error outside of any test), and a failed stage.
// Exit code 1 when anything failed or was skipped.
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const [failedStages, ...reports] = process.argv.slice(2);
const total = { passed: 0, failed: Number(failedStages), skipped: 0 };

for (const argument of reports) {
  const [path, exitCode] = argument.split("=");
  const count = countReport(path);
  if (exitCode !== "0" && count.failed === 0) {
    console.log(`${path}: exit code ${exitCode}, without a failed test`);
    count.failed = 1;
  }
  console.log(`${basename(path, ".json")}: ${format(count)}`);
  for (const key of Object.keys(total)) total[key] += count[key];
}
if (total.failed > 0 && Number(failedStages) > 0) console.log(`failed stages: ${failedStages}`);
console.log(format(total));
process.exitCode = total.failed > 0 || total.skipped > 0 || total.passed === 0 ? 1 : 0;

function countReport(path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    console.log(`no usable report ${path}: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  for (const file of brokenFiles) console.log(`could not run: ${file.name}: ${file.message}`);
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === "passed") continue;
      console.log(`${test.status}: ${test.fullName} (${basename(file.name)})`);
    }
  }
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function format(count) {
  return `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
}
