/**
 * Public keys, tags and channels as small integers, with bounded caches in front of the tables. The caches hold only
 * what is committed or belongs to the open transaction: after a rollback they must be forgotten. An integer that was
 * forgotten with its row may be given to another name later.
 */
import type { Database } from 'better-sqlite3';
import type { Bytes } from '../core/bytes.ts';
import { keyBytes, tagBytes } from './check.ts';

/** Entries of each cache; when it is full it starts anew (guess: 100 bytes each). */
const CACHE_MAX = 16384;

export interface ChannelKey {
  readonly channel: number;
  readonly tag: number;
}

function textOfBytes(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

export class Interned {
  readonly #keys = new Map<string, number>();
  readonly #tags = new Map<string, number>();
  readonly #channels = new Map<string, number>();
  readonly #findKey;
  readonly #addKey;
  readonly #findTag;
  readonly #addTag;
  readonly #findChannel;
  readonly #addChannel;
  readonly #forgetKey;
  readonly #forgetChannels;
  readonly #forgetTags;

  constructor(db: Database) {
    this.#findKey = db.prepare<[Bytes], number>('SELECT id FROM public_key WHERE bytes = ?').pluck();
    this.#addKey = db.prepare<[Bytes]>('INSERT INTO public_key (bytes) VALUES (?)');
    this.#findTag = db.prepare<[Bytes], number>('SELECT id FROM tag WHERE bytes = ?').pluck();
    this.#addTag = db.prepare<[Bytes]>('INSERT INTO tag (bytes) VALUES (?)');
    this.#findChannel = db.prepare<[string], number>('SELECT id FROM channel WHERE name = ?').pluck();
    this.#addChannel = db.prepare<[string, number]>('INSERT INTO channel (name, tag) VALUES (?, ?)');
    this.#forgetKey = db
      .prepare<[number], Bytes>(
        `DELETE FROM public_key WHERE id = ? AND NOT EXISTS (SELECT 1 FROM author WHERE author = public_key.id)
           AND NOT EXISTS (SELECT 1 FROM idempotency WHERE identity = public_key.id) RETURNING bytes`,
      )
      .pluck();
    this.#forgetChannels = db
      .prepare<[number], string>(
        `DELETE FROM channel WHERE id IN (
           SELECT id FROM channel INDEXED BY channel_idle WHERE joined = 0 AND authors = 0 LIMIT ?) RETURNING name`,
      )
      .pluck();
    this.#forgetTags = db
      .prepare<[number], Bytes>(
        `DELETE FROM tag WHERE id IN (
           SELECT id FROM tag t INDEXED BY tag_idle WHERE count = 0
             AND NOT EXISTS (SELECT 1 FROM channel WHERE tag = t.id)
             AND NOT EXISTS (SELECT 1 FROM carried WHERE tag = t.bytes) LIMIT ?) RETURNING bytes`,
      )
      .pluck();
  }

  /** Forgets everything; the tables know. To be called after a rollback. */
  reset(): void {
    this.#keys.clear();
    this.#tags.clear();
    this.#channels.clear();
  }

  #remember(cache: Map<string, number>, text: string, id: number): number {
    if (cache.size >= CACHE_MAX) cache.clear();
    cache.set(text, id);
    return id;
  }

  /** The integer of a public key (32 bytes), made if it is new. Inside a transaction only. */
  key(bytes: Bytes): number {
    const text = textOfBytes(bytes);
    const cached = this.#keys.get(text);
    if (cached !== undefined) return cached;
    const id = this.#findKey.get(bytes) ?? Number(this.#addKey.run(bytes).lastInsertRowid);
    return this.#remember(this.#keys, text, id);
  }

  /** The integer of a tag (base64url text), made if it is new. Inside a transaction only. */
  tag(text: string): number {
    const cached = this.#tags.get(text);
    if (cached !== undefined) return cached;
    const bytes = tagBytes(text);
    const id = this.#findTag.get(bytes) ?? Number(this.#addTag.run(bytes).lastInsertRowid);
    return this.#remember(this.#tags, text, id);
  }

  /** The integers of a channel and its tag, made if they are new. Inside a transaction only. */
  channel(name: string, tagText: string): ChannelKey {
    const tag = this.tag(tagText);
    const cached = this.#channels.get(name);
    if (cached !== undefined) return { channel: cached, tag };
    const id = this.#findChannel.get(name) ?? Number(this.#addChannel.run(name, tag).lastInsertRowid);
    return { channel: this.#remember(this.#channels, name, id), tag };
  }

  /** Forgets a public key if nothing refers to it any more. Inside a transaction only. */
  forgetKey(id: number): void {
    const bytes = this.#forgetKey.get(id);
    if (bytes !== undefined) this.#keys.delete(textOfBytes(bytes));
  }

  /** Forgets channels and tags that nothing refers to any more, at most `limit` of each. Inside a transaction only. */
  forgetNames(limit: number): void {
    for (const name of this.#forgetChannels.all(limit)) this.#channels.delete(name);
    for (const bytes of this.#forgetTags.all(limit)) this.#tags.delete(textOfBytes(bytes));
  }

  /** The integer of a public key if it is known. */
  findKey(text: string): number | undefined {
    return this.#keys.get(text) ?? this.#findKey.get(keyBytes(text));
  }

  findTag(text: string): number | undefined {
    return this.#tags.get(text) ?? this.#findTag.get(tagBytes(text));
  }

  findChannel(name: string): number | undefined {
    return this.#channels.get(name) ?? this.#findChannel.get(name);
  }
}
