/**
 * Public keys, tags and channels as small integers, with bounded caches in front of the tables. The caches hold only
 * what is committed or belongs to the open transaction: after a rollback they must be forgotten.
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

  constructor(db: Database) {
    this.#findKey = db.prepare<[Bytes], number>('SELECT id FROM public_key WHERE bytes = ?').pluck();
    this.#addKey = db.prepare<[Bytes]>('INSERT INTO public_key (bytes) VALUES (?)');
    this.#findTag = db.prepare<[Bytes], number>('SELECT id FROM tag WHERE bytes = ?').pluck();
    this.#addTag = db.prepare<[Bytes]>('INSERT INTO tag (bytes) VALUES (?)');
    this.#findChannel = db.prepare<[string], number>('SELECT id FROM channel WHERE name = ?').pluck();
    this.#addChannel = db.prepare<[string, number]>('INSERT INTO channel (name, tag) VALUES (?, ?)');
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
    return this.#keyOf(textOfBytes(bytes), bytes);
  }

  /** Like {@link key}, from its text. Throws RangeError for what is no id. */
  keyText(text: string): number {
    return this.#keys.get(text) ?? this.#keyOf(text, keyBytes(text));
  }

  #keyOf(text: string, bytes: Bytes): number {
    const known = this.#keys.get(text) ?? this.#findKey.get(bytes);
    return this.#remember(this.#keys, text, known ?? Number(this.#addKey.run(bytes).lastInsertRowid));
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
    const channel = this.findChannel(name) ?? Number(this.#addChannel.run(name, tag).lastInsertRowid);
    return { channel: this.#remember(this.#channels, name, channel), tag };
  }

  /** The integer of a public key if it was ever seen. */
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
