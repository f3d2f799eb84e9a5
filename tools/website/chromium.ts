/** Finds the Chromium that the browser tests drive: the one of the system, because none is downloaded. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** What a person does who has none. */
export const CHROMIUM_ADVICE =
  'The browser tests need Chromium. Install it (on Debian: sudo apt-get install chromium) or put it on the PATH as "chromium".';

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run
  }
}

/** The path of the program, or undefined. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isProgram);
}
