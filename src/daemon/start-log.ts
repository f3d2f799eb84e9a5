/**
 * The log of one start: on standard output for machines, on standard error beside a start screen if somebody asks for it,
 * and in the files of the data folder, which the same lines go to.
 */
import fs from 'node:fs';
import path from 'node:path';
import { ERRORS, MeshError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { LOG_FOLDER, listLogFiles } from './folder/log-names.ts';
import { createLog, describeError, joinOutlets } from './log.ts';
import { LogFile } from './log-file.ts';
import { OPTION_NAMES } from './option-table.ts';
import type { Options } from './options.ts';
import type { Log } from './runner.ts';
import type { StartOptions } from './start-options.ts';

export interface StartLog {
  readonly log: Log;
  /** undefined: MESH_LOG_FILES or MESH_LOG_LEVEL wants none */
  readonly file: LogFile | undefined;
}

type LogParts = Pick<StartOptions, 'dataFolder' | 'isTty' | 'stdout' | 'stderr'>;

/** The files stay untouched until `file.open`. */
export function createStartLog(options: Options, parts: LogParts): StartLog {
  const { dataFolder, isTty, stdout, stderr } = parts;
  const { logLevel, logLevelFixed, logFiles, logFileBytes } = options;
  const file =
    logFiles === 0 || logLevel === 'silent'
      ? undefined
      : new LogFile({
          folder: path.join(dataFolder, LOG_FOLDER),
          bytesMax: logFileBytes,
          filesMax: logFiles,
          onTrouble: (sentence) => stderr.write(`mesh: ${sentence}\n`),
        });
  const shown = isTty ? (logLevelFixed ? stderr : undefined) : stdout;
  const outlets = [shown, file].filter((outlet) => outlet !== undefined);
  return { log: createLog(outlets.length === 0 ? 'silent' : logLevel, joinOutlets(outlets)), file };
}

/** Code and words. A refused option is only named: its value is not the log's, and might hold a password. */
function describeFailure(error: unknown): object {
  if (!(error instanceof MeshError)) return { ...describeError(error), code: 'internal' };
  const { code, message } = error;
  if (code !== 'bad_option') return { error: message, code };
  const names = OPTION_NAMES.filter((name) => new RegExp(`\\b${name}\\b`).test(message));
  return { error: ERRORS[code].title, code, options: names };
}

function countFiles(folder: string): number {
  try {
    return listLogFiles(folder).length;
  } catch {
    return 0; // what cannot be listed cannot be written either
  }
}

/**
 * Writes down why a start has failed, for whoever looks into the log of a service later; whoever started it is told by
 * the error itself. Not if another daemon has the folder: the log is its log. A folder without a log gets none, because the
 * options may be what is wrong; for the same reason there may be as many files as there are now, whatever was set. A
 * service that fails every few seconds for weeks stays within that.
 */
export function recordFailure(dataFolder: string, error: unknown): void {
  const folder = path.join(dataFolder, LOG_FOLDER);
  const isOthers = error instanceof MeshError && error.code === 'store_locked';
  if (isOthers || !fs.existsSync(folder)) return;
  const file = new LogFile({
    folder,
    bytesMax: LIMITS.logFileBytes,
    filesMax: Math.max(LIMITS.logFiles, countFiles(folder)),
    onTrouble: () => undefined,
  });
  file.open();
  createLog('fatal', file).fatal(describeFailure(error), 'start failed');
  file.close();
}
