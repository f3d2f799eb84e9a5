/** What a failure of the system during a start means to a person, where the part that failed could not say it. */
import { MeshError } from '../core/errors.ts';
import { hasCode } from './files.ts';
import { canOpenFiles, isOutOfFiles } from './machine-watch.ts';

/** SQLite opens so many at once, and says only that it could not. */
const FILES_NEEDED = 8;

/** `error`, or the MeshError that it means. To be asked before anything that the start opened is closed. */
export function startFailure(error: unknown): unknown {
  const cause = error instanceof MeshError ? error.cause : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (isOutOfFiles(cause)) return new MeshError('out_of_files', `${text}.`, { cause: error });
  if (error instanceof MeshError)
    return error.code === 'data_folder' && !canOpenFiles(FILES_NEEDED)
      ? new MeshError('out_of_files', `${error.detail}.`, { cause: error })
      : error;
  if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'))
    return new MeshError('store_failed', `${text}.`, { cause: error });
  if (hasCode(error, 'EROFS', 'EACCES', 'EPERM'))
    return new MeshError('data_folder', `${text}.`, { cause: error });
  return error;
}
