// Prints `N passed, N failed` from the runners' JSON reports, and ends with 1 if anything failed or nothing ran.
// Arguments: the folder with the reports, then the names of failed stages. Plain JavaScript for any Node.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The report that tells why a stage failed. A stage without one, or whose runner itself broke, counts as one failure.
const REPORTS = {
  test: 'vitest.json',
  blackbox: 'blackbox.json',
  fuzz: 'fuzz.json',
  sim: 'sim.json',
  faults: 'faults.json',
  openclaw: 'openclaw.json',
  browser: 'browser.json',
};

const [folder, ...failedStages] = process.argv.slice(2);
let passed = 0;
let failed = 0;
const failedReports = new Set();

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  // A file that could not be loaded has no tests to count, and is a failure all the same.
  const unloaded = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  passed += report.numPassedTests;
  failed += report.numFailedTests + unloaded;
  if (report.numFailedTests + unloaded > 0) failedReports.add(name);
}

failed += failedStages.filter((stage) => !failedReports.has(REPORTS[stage])).length;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
