/**
 * From rows back to messages. A row is believed only if its bytes still give its id, its content still gives the hash in
 * those bytes, and the signature its checksum; any other row is treated as not there and reported. A row that has only
 * its header is no damaged one: it is never asked for here.
 */
import { crc32 } from 'node:zlib';
import type { Bytes } from '../core/bytes.ts';
import { toBase64url } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { buildMessage, type MessageContext } from '../core/message/message.ts';
import { fromTimeBytes, type Time } from '../core/message/time.ts';
import { StoreReceipt, VerifiedMessage } from '../core/message/verified.ts';
import type { RetentionPolicy } from '../core/persistence.ts';
import { CborError } from '../core/wire/cbor.ts';
import { DELIVERY_STATES, policyOf } from './check.ts';
import { CONTENT } from './schema-4.ts';
import type { StoredMessage } from './store.ts';

/** What every reader of messages selects in the table alias `m`, and with it what belongs to it as a client sees it. */
export const CONTENT_COLUMNS = 'm.arrival, m.bytes, m.signature, m.signature_crc AS crc, m.body, m.payload';
export const ROW_COLUMNS = `${CONTENT_COLUMNS}, m.id, o.state, o.stored_by AS storedBy,
  EXISTS (SELECT 1 FROM equivocation e WHERE e.channel = m.channel AND e.author = m.author) AS equivocates`;
export const ROW_TABLES = 'message m LEFT JOIN own o ON o.arrival = m.arrival';
/** Not only the header: what every reader of whole messages asks for, itself or by an index that holds nothing else. */
export const IS_HELD = `m.content = ${CONTENT.held}`;

export interface ContentRow {
  readonly arrival: number;
  readonly bytes: Bytes;
  readonly signature: Bytes;
  readonly crc: number;
  readonly body: string;
  readonly payload: Bytes;
}

export interface MessageRow extends ContentRow {
  readonly id: Bytes;
  readonly state: number | null;
  readonly storedBy: Bytes | null;
  readonly equivocates: number;
}

/** A column of bytes. Throws MeshError `store_damaged`: a damaged page may hold values of any type. */
function blob(value: Bytes): Bytes {
  if (!(value instanceof Uint8Array))
    throw new MeshError('store_damaged', 'A row holds something else where bytes should be.');
  return value;
}

/** A column of bytes as text. Throws as {@link blob}. */
export function columnText(value: Bytes): string {
  return toBase64url(blob(value));
}

/** A column that holds a time. Throws MeshError `store_damaged` if it does not. */
export function columnTime(value: Bytes): Time {
  if (blob(value).length !== 8 || (value[0] ?? 0) >= 0x80)
    throw new MeshError('store_damaged', 'A row holds something else where a time should be.');
  return fromTimeBytes(value);
}

/** SQLite hands out Buffers, whose `slice` does not copy. Throws as {@link blob}. */
export function plain(bytes: Bytes): Bytes {
  blob(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Checksum of a signature, 32 bits: against accidents, like the id for the other bytes. */
export function signatureCrc(signature: Bytes): number {
  return crc32(signature);
}

function texts(bytes: Bytes, width: number): string[] {
  const out: string[] = [];
  for (let at = 0; at < blob(bytes).length; at += width)
    out.push(toBase64url(bytes.subarray(at, at + width)));
  return out;
}

/** The peers in a `stored_by` column. */
export function keyTexts(bytes: Bytes): string[] {
  return texts(bytes, 32);
}

/** The tags in a `tags` column. */
export function tagTexts(bytes: Bytes): string[] {
  return texts(bytes, 8);
}

/** A retention policy in the table alias `r`; NULL where nothing was said. */
export const POLICY_COLUMNS =
  'r.age AS ageMs, r.messages AS policyMessages, r.bytes AS policyBytes, r.pinned AS pinned';

export interface PolicyRow {
  readonly ageMs: number | null;
  readonly policyMessages: number | null;
  readonly policyBytes: number | null;
  readonly pinned: number | null;
}

export function policyOfRow(row: PolicyRow): RetentionPolicy {
  return policyOf({
    ageMs: row.ageMs ?? undefined,
    messages: row.policyMessages ?? undefined,
    bytes: row.policyBytes ?? undefined,
    pinned: row.pinned === null ? undefined : row.pinned === 1,
  });
}

/** A damaged page may hold values of any type. */
function isTyped({ bytes, signature, body, payload }: Readonly<Record<keyof ContentRow, unknown>>): boolean {
  const blobs = [bytes, signature, payload];
  return blobs.every((value) => value instanceof Uint8Array) && typeof body === 'string';
}

/** Reads rows during one call of the store, and says once at its end how many were damaged. */
export class RowReader {
  readonly #context: MessageContext;
  readonly #onWarning: (text: string) => void;
  readonly #damaged: string[] = [];

  constructor(context: MessageContext, onWarning: (text: string) => void) {
    this.#context = context;
    this.#onWarning = onWarning;
  }

  /** The message of a row, or `undefined` if the row is damaged. @param id under which the row was found */
  message(row: ContentRow, id: Bytes): VerifiedMessage | undefined {
    const verified = this.#rebuild(row, id);
    if (verified === undefined) this.#damaged.push(`${toBase64url(id)} (arrival ${row.arrival})`);
    return verified;
  }

  #rebuild(row: ContentRow, id: Bytes): VerifiedMessage | undefined {
    if (!isTyped(row) || crc32(row.signature) !== row.crc) return undefined;
    try {
      const parts = {
        bytes: plain(row.bytes),
        signature: plain(row.signature),
        body: row.body,
        payload: plain(row.payload),
      };
      return VerifiedMessage.fromStore(buildMessage(this.#context, parts), StoreReceipt.issue(plain(id)));
    } catch (error) {
      if (error instanceof CborError) return undefined;
      throw error;
    }
  }

  stored(row: MessageRow): StoredMessage | undefined {
    const message = this.message(row, row.id);
    if (message === undefined) return undefined;
    const state = row.state === null ? undefined : DELIVERY_STATES[row.state];
    return {
      arrival: row.arrival,
      message,
      delivery: state === undefined ? undefined : { state, storedBy: keyTexts(row.storedBy ?? row.id) },
      equivocates: row.equivocates === 1,
    };
  }

  /** To be called once at the end of the call. */
  report(): void {
    if (this.#damaged.length === 0) return;
    const more = this.#damaged.length > 1 ? ` and ${this.#damaged.length - 1} more` : '';
    this.#onWarning(`stored message ${this.#damaged[0]}${more} is damaged and is treated as not there`);
  }
}
