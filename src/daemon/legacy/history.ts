/**
 * The unverified history: messages that a mesh/1 daemon left in its database, read on demand and never taken over. Each
 * request opens the old file and closes it again, and gives others a turn after each short run.
 */
import { MeshError } from '../../core/errors.ts';
import { LIMITS, MiB } from '../../core/limits.ts';
import type { Ed25519Verify } from '../../core/message/verified.ts';
import type { LegacySource } from '../../store/legacy-file.ts';
import { LegacyReader } from '../../store/legacy-reader.ts';
import { nextTurn } from '../system.ts';
import {
  type LegacyChannelView,
  type LegacyHistory,
  type LegacyMessageView,
  type LegacyPageRequest,
  legacyMessageView,
} from './view.ts';

/** A page ends when so much was read for it (guess: 1000 messages of 4 KiB). */
const PAGE_BYTES = 4 * MiB;
/** Channels that are listed (guess). */
const CHANNELS_MAX = 1000;
/** Decimal text of a signed 64-bit number. */
const POSITION = /^-?\d{1,19}$/;

function compareNames(a: LegacyChannelView, b: LegacyChannelView): number {
  return a.channel < b.channel ? -1 : Number(a.channel > b.channel);
}

export class DatabaseHistory implements LegacyHistory {
  readonly #source: LegacySource;
  readonly #verify: Ed25519Verify;

  constructor(source: LegacySource, verify: Ed25519Verify) {
    this.#source = source;
    this.#verify = verify;
  }

  get file(): string {
    return this.#source.file;
  }

  async messages({ channel, limit, before }: LegacyPageRequest): Promise<LegacyMessageView[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMITS.apiPageMax)
      throw new MeshError('bad_request', `limit must be a whole number from 1 to ${LIMITS.apiPageMax}.`);
    if (before !== undefined && !POSITION.test(before))
      throw new MeshError('bad_request', 'before must be the position of a message in the history.');
    return this.#read(async (reader) => {
      if (before !== undefined && !reader.has(before))
        throw new MeshError('not_found', `There is no message at the position ${before}.`);
      const newestFirst: LegacyMessageView[] = [];
      let bytes = 0;
      for (const run of reader.runs({ channel, before })) {
        for (const row of run) {
          newestFirst.push(legacyMessageView(this.#verify, row));
          bytes += row.bytes;
          if (newestFirst.length === limit || bytes >= PAGE_BYTES) return newestFirst.reverse();
        }
        await nextTurn();
      }
      return newestFirst.reverse();
    });
  }

  async channels(): Promise<LegacyChannelView[]> {
    return this.#read(async (reader) => {
      const counts = new Map<string, number>();
      for (const run of reader.channels()) {
        for (const [channel, messages] of run) {
          const sum = counts.get(channel);
          if (sum === undefined && counts.size === CHANNELS_MAX) continue;
          counts.set(channel, (sum ?? 0) + messages);
        }
        await nextTurn();
      }
      return [...counts].map(([channel, messages]) => ({ channel, messages })).sort(compareNames);
    });
  }

  async #read<T>(work: (reader: LegacyReader) => Promise<T>): Promise<T> {
    let reader: LegacyReader | undefined;
    try {
      reader = LegacyReader.open(this.#source);
      return await work(reader);
    } catch (error) {
      if (error instanceof MeshError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new MeshError('store_failed', `${this.file}, the database of mesh/1: ${reason}.`, {
        cause: error,
      });
    } finally {
      reader?.close();
    }
  }
}
