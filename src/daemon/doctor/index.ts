/** What `mesh doctor` sees of this folder. It stands beside the daemon's own face, so that it works without loading it. */
export { examine } from './examine.ts';
export { CHECKS, type CheckName, type Finding, type FindingState, mendText, shellQuoted } from './finding.ts';
export type { DaemonAnswer, ExamineOptions } from './subject.ts';
export type { System } from './system.ts';
