/** The chains of authors in the memory store: what `sqlite-chains.ts` keeps in tables, in maps. */
import { toBase64url } from '../core/bytes.ts';
import { channelKind } from '../core/channel/channel.ts';
import type { Message } from '../core/message/message.ts';
import type { Chained } from '../core/persistence.ts';
import type { Equivocation, Statement } from './store.ts';

/** What chains need of a row of the memory store. */
interface Row {
  readonly header: Pick<Message, 'idText' | 'author' | 'channel'>;
}

/** What the chain looks at in a message. */
type Link = Pick<Message, 'id' | 'prev' | 'bytes' | 'signature'>;

/** By id. */
type Rows = ReadonlyMap<string, Row>;

interface Signed extends Statement {
  readonly row: Row;
}

function placeOf({ header }: Row): string {
  return `${toBase64url(header.author)} ${header.channel}`;
}

export class MemoryChains {
  /** row: the first that named it as the one before */
  readonly #next = new Map<Row, Signed>();
  /** prev, author and channel: the first row that names a message that is not known */
  readonly #gaps = new Map<string, Signed>();
  /** author and channel */
  readonly #proofs = new Map<string, Equivocation>();

  add(row: Row, { id, prev, bytes, signature }: Link, rows: Rows): Chained {
    if (channelKind(row.header.channel) !== 'open') return {};
    const place = placeOf(row);
    const own = `${toBase64url(id)} ${place}`;
    const follower = this.#gaps.get(own);
    if (follower !== undefined) {
      this.#gaps.delete(own);
      this.#next.set(row, follower);
    }
    if (prev.length === 0) return {};
    const signed = { id: row.header.idText, bytes: bytes.slice(), signature: signature.slice(), row };
    const prevText = toBase64url(prev);
    const before = rows.get(prevText);
    if (before !== undefined && placeOf(before) !== place) return {};
    const key = `${prevText} ${place}`;
    const first = before === undefined ? this.#gaps.get(key) : this.#next.get(before);
    if (first !== undefined && rows.get(first.row.header.idText) === first.row)
      return this.#prove(place, first, signed);
    if (before !== undefined) {
      this.#next.set(before, signed);
      return {};
    }
    this.#gaps.set(key, signed);
    return { isGap: true };
  }

  #prove(place: string, first: Signed, second: Signed): Chained {
    if (this.#proofs.has(place)) return {};
    const plain = ({ id, bytes, signature }: Signed): Statement => ({ id, bytes, signature });
    this.#proofs.set(place, { first: plain(first), second: plain(second) });
    return { equivocates: true };
  }

  remove(row: Row): void {
    this.#next.delete(row);
    for (const [key, { row: named }] of this.#gaps) if (named === row) this.#gaps.delete(key);
  }

  /** The row takes the place of another with the same header. */
  replace(old: Row, row: Row): void {
    const next = this.#next.get(old);
    if (next !== undefined) this.#next.set(row, next);
  }

  /** Nothing of an author is left in a channel. @param place author and channel */
  forgive(place: string): void {
    this.#proofs.delete(place);
  }

  /** @param place author and channel */
  proof(place: string): Equivocation | undefined {
    return this.#proofs.get(place);
  }
}
