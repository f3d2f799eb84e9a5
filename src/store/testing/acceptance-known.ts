/** What is known of messages by a range of ids: the promise of `Store.known`. */
import { expect, it } from 'vitest';
import type { PersistOp } from '../../core/persistence.ts';
import type { Store } from '../store.ts';
import { createAuthor, published, putOff, received, signedMessage, tagOf } from './messages.ts';
import type { OpenSubject } from './subject.ts';

const ann = createAuthor(1);
const FIRST = new Uint8Array(32);
const LAST = new Uint8Array(32).fill(0xff);
const ALL = { from: FIRST, until: LAST };

function apply(store: Store, ...ops: readonly PersistOp[]): void {
  store.transact([ops]);
}

export function describeKnown(open: OpenSubject): void {
  it('tells the head of each message, whether its content is held, wanted or dropped', () => {
    const subject = open();
    const held = signedMessage(ann, { channel: 'dev', expiresMs: 4_000_000_000_000 });
    const wanted = signedMessage(ann, { channel: 'dev' });
    const heavy = signedMessage(ann, { channel: 'big', body: 'x'.repeat(5000) });
    apply(subject.store, received(held), putOff(wanted), received(heavy));
    apply(subject.store, { kind: 'drop', tag: tagOf('big'), keepBytes: 0, freeBytes: 1 });
    for (const handle of [() => subject.store, () => subject.reopen()]) {
      const rows = new Map(
        handle()
          .known(ALL, 9)
          .map((row) => [row.id, row]),
      );
      expect(rows.get(held.message.idText)).toEqual({
        id: held.message.idText,
        arrival: 1,
        kind: 1,
        holding: 'held',
        channel: 'dev',
        author: ann.id,
        time: held.message.time,
        expiresMs: 4_000_000_000_000,
        delivery: undefined,
      });
      expect(rows.get(wanted.message.idText)).toMatchObject({ holding: 'wanted', channel: 'dev' });
      expect(rows.get(heavy.message.idText)).toMatchObject({ holding: 'dropped', channel: 'big' });
      expect(rows.size).toBe(3);
    }
  });

  it('finds ids from the first to the last of a range, ascending, as many as were asked for', () => {
    const { store } = open();
    const messages = Array.from({ length: 5 }, (_, i) => signedMessage(ann, { body: `${i}` }));
    apply(store, ...messages.map((message) => received(message)));
    const ids = store.known(ALL, 9).map(({ id }) => id);
    const bytes = new Map(messages.map(({ message }) => [message.idText, message.id]));
    expect(new Set(ids)).toEqual(new Set(bytes.keys()));
    const raw = ids.map((id) => Buffer.from(bytes.get(id) as Uint8Array).toString('hex'));
    expect(raw).toEqual([...raw].sort());
    expect(store.known(ALL, 2).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const [from, until] = [bytes.get(ids[1] as string), bytes.get(ids[3] as string)];
    const range = { from: from as Uint8Array, until: until as Uint8Array };
    expect(store.known(range, 9).map(({ id }) => id)).toEqual(ids.slice(1, 4));
    expect(store.known({ from: LAST, until: LAST }, 9)).toEqual([]);
  });

  it('tells how far an own message has got', () => {
    const { store } = open();
    const message = signedMessage(ann);
    apply(store, published(message));
    const id = message.message.idText;
    expect(store.known(ALL, 9)[0]?.delivery).toEqual({ state: 'queued', storedBy: [] });
    const by = createAuthor(7).id;
    apply(store, { kind: 'delivery', ids: [id], state: 'stored', by });
    expect(store.known(ALL, 9)[0]?.delivery).toEqual({ state: 'stored', storedBy: [by] });
  });
}
