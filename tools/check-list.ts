/** `npm run check:list [-- FILE]`: says what is wrong with the bootstrap list that ships, or with another one. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { listProblems } from './list-problems.ts';

const root = path.resolve(import.meta.dirname, '..');
const name = process.argv[2] ?? 'website/bootstrap.json';
const problems = listProblems(
  name,
  readFileSync(path.resolve(process.argv[2] === undefined ? root : '.', name)),
);
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? `${name} is right.` : `${name}: ${problems.length} to mend.`);
process.exitCode = problems.length === 0 ? 0 : 1;
