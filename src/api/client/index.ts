/**
 * The client half of the API: finds the daemon of a data folder and talks to it. The command line and the bridges
 * see nothing else of this project. `Stream` is in `stream.ts` by itself, because not each command needs WebSockets.
 */
export { idFromText } from '../../core/bytes.ts';
export { ERRORS, isErrorCode, MeshError } from '../../core/errors.ts';
export { LIMITS } from '../../core/limits.ts';
export * from './agent-types.ts';
export { Client, connectDaemon, type PageOptions, type PublishOptions } from './client.ts';
export { type DataFolderOptions, resolveDataFolder } from './data-folder.ts';
export { loadEnvFile } from './env-file.ts';
export * from './ephemeral-types.ts';
export { type FoundDaemon, findDaemon, isDaemon, pidOf } from './find.ts';
export { type InboxFeedOptions, openInbox } from './inbox.ts';
export * from './map-types.ts';
export { fromProblem, PublishedError, toProblem } from './problem.ts';
export type { Stream, StreamItem, StreamPublishOptions } from './stream.ts';
export { openTap, type TapOptions } from './tap.ts';
export * from './tap-types.ts';
export * from './types.ts';
export * from './why-types.ts';
