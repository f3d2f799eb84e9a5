/**
 * Loaded into a daemon before its program (`--import`): the wall clock runs by as many milliseconds beside the true one as
 * the file MESH_TEST_CLOCK says, each time that somebody looks. The monotonic clock is left alone, as when a person or a
 * time server sets the clock of a machine.
 */
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const file = process.env.MESH_TEST_CLOCK;

if (file !== undefined) {
  const trueNow = Date.now;
  Date.now = () => trueNow() + Number(fs.readFileSync(file, 'utf8'));
}

/** What a daemon needs in its environment to take its clock from a file. */
export function clockFrom(clockFile: string): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import=${pathToFileURL(import.meta.filename).href}`,
    MESH_TEST_CLOCK: clockFile,
  };
}
