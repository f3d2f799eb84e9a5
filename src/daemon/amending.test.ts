import { describe, expect, it } from 'vitest';
import type { PublishCommand } from '../core/contract.ts';
import { RELATION } from '../core/message/message.ts';
import { createMemoryStore } from '../store/memory.ts';
import {
  createAuthor,
  NETWORK,
  published,
  received,
  sha256,
  signedMessage,
  WALL_MS,
} from '../store/testing/messages.ts';
import { checkAmending } from './amending.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];
const [own, foreign] = [signedMessage(ann), signedMessage(bob)];
const ahead = signedMessage(ann, { time: { timeMs: WALL_MS + 61_000 } });

function check(relation: number, id: Uint8Array, more: Partial<PublishCommand> = {}): string {
  const store = createMemoryStore({ network: NETWORK, sha256 });
  store.transact([[published(own), received(foreign), published(ahead)]]);
  const command = {
    ...{ identity: ann.id, channel: 'dev', body: '', payload: new Uint8Array(0), expiresMs: 0 },
    ...{ idempotencyKey: '', refs: [{ relation, id }], ...more },
  };
  try {
    checkAmending(command, store, WALL_MS);
    return '';
  } catch (error) {
    return (error as { detail: string }).detail;
  }
}

describe('an edit or a delete of a client', () => {
  it('may name own messages, and those that are not here', () => {
    for (const relation of [RELATION.edit, RELATION.delete])
      for (const id of [own.message.id, new Uint8Array(32)]) expect(check(relation, id)).toBe('');
    expect(check(RELATION.reply, foreign.message.id, { body: 'x' })).toBe('');
  });

  it('is refused where it would not count', () => {
    for (const relation of [RELATION.edit, RELATION.delete]) {
      expect(check(relation, foreign.message.id)).toContain('not a message of this identity');
      expect(check(relation, own.message.id, { channel: 'ops' })).toContain('in this channel');
      expect(check(relation, ahead.message.id)).toContain('ahead of the clock');
    }
    const { id } = own.message;
    for (const more of [{ body: 'why' }, { payload: new Uint8Array(1) }, { expiresMs: WALL_MS + 1 }]) {
      expect(check(RELATION.delete, id, more)).toContain('no body');
      expect(check(RELATION.edit, id, more)).toBe('');
    }
  });
});
