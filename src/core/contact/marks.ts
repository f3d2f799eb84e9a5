/**
 * What a message says of itself for agents: the member `mesh` of a payload that is a JSON object. It is the author's
 * word and nothing that a relay looks at: advice, which honest agents give and follow. What must hold whoever writes
 * is in `budget.ts`.
 */
import { idFromText } from '../bytes.ts';

/** Identities that one message can name: as many as fit a line of text (guess). */
export const MENTIONS_MAX = 16;
/** More automatic answers in a row than anybody counts to (guess). */
export const HOPS_MAX = 1_000_000;

export interface Marks {
  /** automatic answers in a row, this message included; 0 for what a person wrote. 0 to {@link HOPS_MAX} */
  readonly hops: number;
  /** id texts of identities that it is for, {@link MENTIONS_MAX} at most */
  readonly mentions: readonly string[];
  /** it tells that something went wrong, and wants no answer */
  readonly isNotice: boolean;
}

export const NO_MARKS: Marks = { hops: 0, mentions: [], isNotice: false };

type JsonObject = { readonly [name: string]: unknown };

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member: a payload is anybody's JSON and may name `__proto__`. */
function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/**
 * @param payload parsed JSON of anybody, or null
 * @returns what it says in the forms above; whatever else stands there counts as not said
 */
export function readMarks(payload: unknown): Marks {
  const mesh = member(payload, 'mesh');
  if (mesh === undefined) return NO_MARKS;
  const hops = member(mesh, 'hops');
  const mentions = member(mesh, 'mentions');
  const isCount = typeof hops === 'number' && Number.isSafeInteger(hops) && hops > 0;
  const named = Array.isArray(mentions) ? mentions.slice(0, MENTIONS_MAX) : [];
  return {
    hops: isCount ? Math.min(hops, HOPS_MAX) : 0,
    mentions: named.filter((id) => typeof id === 'string' && idFromText(id) !== undefined),
    isNotice: member(mesh, 'notice') === true,
  };
}

/**
 * The payload with the marks in it. What the author has under `mesh` besides them stays; what is not marked is left out.
 * @param payload undefined or a JSON object
 * @returns undefined if payload and marks are empty, or if `payload` is something else than an object and cannot
 *   carry the marks (`ok` false)
 */
export function withMarks(
  payload: unknown,
  marks: Marks,
): { readonly ok: boolean; readonly payload: unknown } {
  const said = {
    ...(marks.hops > 0 && { hops: marks.hops }),
    ...(marks.mentions.length > 0 && { mentions: marks.mentions }),
    ...(marks.isNotice && { notice: true }),
  };
  if (Object.keys(said).length === 0) return { ok: true, payload };
  if (payload === undefined) return { ok: true, payload: { mesh: said } };
  if (!isObject(payload)) return { ok: false, payload };
  const before = member(payload, 'mesh');
  return { ok: true, payload: { ...payload, mesh: { ...(isObject(before) ? before : {}), ...said } } };
}
