/** What lies in a data folder, for commands that work without a daemon. It loads nothing of the daemon itself. */
export { LOG_FOLDER, listLogFiles, logFilePath } from './log-names.ts';
