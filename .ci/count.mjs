// Prints `N passed, N failed` from the runners' JSON reports, and ends with 1 if anything failed or nothing ran.
// Arguments: the folder with the reports, then the names of failed stages. Plain JavaScript for any Node.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...failedStages] = process.argv.slice(2);
let passed = 0;
let failed = 0;

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // A file that could not be loaded has no tests to count, and is a failure all the same.
  failed += report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
}

// A failed test stage is already in the report, unless the runner itself broke.
failed += failedStages.filter((stage) => stage !== 'test' || failed === 0).length;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
