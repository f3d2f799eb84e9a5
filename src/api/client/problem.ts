/**
 * Errors as problem documents (RFC 9457) and back. One table stands behind both directions, so that a code means the
 * same in a library, on the wire and on the command line.
 */
import { ERRORS, isErrorCode, MeshError } from '../../core/errors.ts';
import type { DeliveryState, ProblemJson } from './types.ts';

/** A failure together with the message that exists all the same: it was published, only the wait ended. */
export class PublishedError extends MeshError {
  override name = 'PublishedError';
  readonly id: string;
  readonly state: DeliveryState;

  constructor(cause: MeshError, published: { readonly id: string; readonly state: DeliveryState }) {
    super(cause.code, cause.detail, { cause });
    this.id = published.id;
    this.state = published.state;
  }
}

/** The problem document of an error. What is no {@link MeshError} is `internal` and keeps its text to itself. */
export function toProblem(error: unknown): ProblemJson {
  const known = error instanceof MeshError ? error : new MeshError('internal');
  const row = ERRORS[known.code];
  const problem: ProblemJson = {
    type: `errors#${known.code}`,
    title: row.title,
    status: row.http,
    detail: known.detail,
    code: known.code,
    do: row.do,
  };
  return known instanceof PublishedError ? { ...problem, id: known.id, state: known.state } : problem;
}

function textField(value: object, name: string): string {
  const field: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return typeof field === 'string' ? field : '';
}

/** The error of a problem document. A code that this version does not know becomes `internal` and is named. */
export function fromProblem(value: unknown): MeshError {
  if (typeof value !== 'object' || value === null) {
    return new MeshError('internal', 'The daemon answered with something that is no problem document.');
  }
  const code = textField(value, 'code');
  const detail = textField(value, 'detail');
  if (!isErrorCode(code)) return new MeshError('internal', `The daemon said "${code}": ${detail}`);
  const error = new MeshError(code, detail);
  const id = textField(value, 'id');
  const state = textField(value, 'state');
  if (id !== '' && (state === 'queued' || state === 'relayed' || state === 'stored')) {
    return new PublishedError(error, { id, state });
  }
  return error;
}
