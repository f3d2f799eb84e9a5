/** What is remembered over restarts besides messages, and what `expire` removes. */
import { expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { type PersistOp, PRUNE_STEP } from '../../core/persistence.ts';
import {
  carried,
  createAuthor,
  joined,
  PEER,
  published,
  received,
  signedMessage,
  tagOf,
  WALL_MS,
} from './messages.ts';
import type { OpenSubject } from './subject.ts';

const [ann, bob] = [createAuthor(1), createAuthor(2)];
/** what the owner of a mailbox has to its credit */
const since = { linkedMs: 2 ** 40, group: '10.1' };

function address(url: string, provenMs: number, peer = PEER): PersistOp {
  return { kind: 'address', url, peer, provenMs };
}

export function describeState(open: OpenSubject): void {
  it('restores nothing from an empty store', () => {
    const empty = {
      joined: [],
      carried: [],
      floors: [],
      leafFloors: [],
      mailboxes: [],
      addresses: [],
      recordSequence: 0,
      clockMs: 0,
    };
    expect(open().store.restore()).toEqual(empty);
  });

  it('restores what was told, after a restart too', () => {
    const subject = open();
    const [a, b, c] = [tagOf('a'), tagOf('b'), tagOf('c')];
    subject.store.transact([
      [joined('b'), joined('a'), joined('𝄞'), joined('ﬁ'), joined('b')],
      [carried('a', 50, 7), carried('a', 40, 9), carried('b', 2 ** 45, 12), carried('b', 3, 11)],
      [
        { kind: 'mailbox', peer: ann.id, tags: [a, b], untilMs: 100, linkedMs: 1, group: '' },
        { kind: 'mailbox', peer: bob.id, tags: [a], untilMs: 100, ...since },
        { kind: 'mailbox', peer: ann.id, tags: [c, a], untilMs: 90, ...since },
        { kind: 'mailbox', peer: PEER, tags: [c], untilMs: 90, ...since },
        { kind: 'mailbox', peer: PEER, tags: [], untilMs: 95, ...since },
      ],
      [
        address('ws://a', 5),
        address('ws://b', WALL_MS),
        address('ws://c', 5, bob.id),
        address('ws://d', 1, ''),
      ],
      [
        { kind: 'leaf-floor', tag: a, hour: 5 },
        { kind: 'leaf-floor', tag: c, hour: 2 ** 30 },
        { kind: 'leaf-floor', tag: a, hour: 4 },
        { kind: 'leaf-floor', tag: b, hour: 7 },
        { kind: 'leaf-floor', tag: b, hour: 0 },
      ],
      [address('ws://a', 7, ann.id), address('ws://b', 3, ann.id)],
      [
        { kind: 'record-sequence', sequence: 2 ** 40 },
        { kind: 'record-sequence', sequence: 7 },
      ],
    ]);
    const expected = {
      joined: ['a', 'b', '𝄞', 'ﬁ'].map((channel) => ({ channel, policy: {} })),
      floors: [],
      leafFloors: [
        { tag: a, hour: 4 },
        { tag: c, hour: 2 ** 30 },
      ].sort((x, y) => (x.tag < y.tag ? -1 : 1)),
      carried: [
        { tag: a, untilMs: 50, sinceHour: 9 },
        { tag: b, untilMs: 2 ** 45, sinceHour: 11 },
      ].sort((x, y) => (x.tag < y.tag ? -1 : 1)),
      mailboxes: [
        { peer: ann.id, tags: [c, a], untilMs: 90, ...since },
        { peer: bob.id, tags: [a], untilMs: 100, ...since },
      ].sort((x, y) => (x.peer < y.peer ? -1 : 1)),
      addresses: [
        { url: 'ws://b', peer: PEER, provenMs: WALL_MS },
        { url: 'ws://a', peer: ann.id, provenMs: 7 },
        { url: 'ws://c', peer: bob.id, provenMs: 5 },
        { url: 'ws://d', peer: '', provenMs: 1 },
      ],
      recordSequence: 2 ** 40,
      clockMs: 0,
    };
    expect(subject.store.restore()).toEqual(expected);
    expect(subject.reopen().restore()).toEqual(expected);
  });

  it(`keeps the ${LIMITS.addressesMax} newest addresses`, () => {
    const { store } = open();
    const url = (n: number): string => `ws://${String(n).padStart(5, '0')}`;
    const max = LIMITS.addressesMax;
    store.transact([Array.from({ length: max + 3 }, (_, n) => address(url(n), 10 + n))]);
    store.transact([[address('ws://older', 1)], [address(url(3), 10 + max * 2)]]);
    const { addresses } = store.restore();
    expect(addresses).toHaveLength(max);
    expect([addresses[0]?.url, addresses[1]?.url, addresses.at(-1)?.url]).toEqual([
      url(3),
      url(max + 2),
      url(4),
    ]);
  });

  it('expires messages, mailboxes and carried channels at their time and not before', () => {
    const { store } = open();
    const tag = tagOf('dev');
    const [never, at, after] = [0, WALL_MS, WALL_MS + 1].map((expiresMs) =>
      signedMessage(ann, { expiresMs }),
    );
    if (!never || !at || !after) throw new Error('three messages');
    const messages = [never, at, after];
    const has = () => {
      const answer = store.read({ kind: 'has', ids: messages.map(({ message }) => message.id) });
      return answer.kind === 'has' && answer.holdings.map((holding) => holding === 'held');
    };
    store.transact([
      [published(never), published(at), received(after)],
      [
        carried('dev', WALL_MS),
        carried('later', WALL_MS + 1),
        { kind: 'mailbox', peer: ann.id, tags: [tag], untilMs: WALL_MS, ...since },
        { kind: 'mailbox', peer: bob.id, tags: [tag], untilMs: WALL_MS + 1, ...since },
      ],
      [{ kind: 'expire', wallMs: WALL_MS - 1 }],
    ]);
    expect(has()).toEqual([true, true, true]);
    expect(store.restore()).toMatchObject({ carried: [{}, {}], mailboxes: [{}, {}] });
    store.transact([[{ kind: 'expire', wallMs: WALL_MS }]]);
    expect(has()).toEqual([true, false, true]);
    expect(store.restore()).toMatchObject({
      carried: [{ tag: tagOf('later') }],
      mailboxes: [{ peer: bob.id }],
    });
    const outbox = store.read({ kind: 'outbox', afterArrival: 0, limit: 9 });
    expect(outbox).toMatchObject({ rows: [{ arrival: 1 }] });
    expect(store.channels()).toMatchObject([{ messages: 2, lastArrival: 3 }]);
  });

  it('remembers when it expired last, whatever the clock said before', () => {
    const subject = open();
    for (const wallMs of [WALL_MS + 5, WALL_MS]) subject.store.transact([[{ kind: 'expire', wallMs }]]);
    expect(subject.store.restore().clockMs).toBe(WALL_MS);
    expect(subject.reopen().restore().clockMs).toBe(WALL_MS);
  });

  it('expires so many messages at a time, those first that expired first', () => {
    const { store } = open();
    const count = 2 * PRUNE_STEP;
    const messages = Array.from({ length: count + 2 }, (_, i) =>
      signedMessage(ann, { body: `${i}`, expiresMs: 1 + ((i * 5) % (count + 2)) }),
    );
    store.transact([messages.map((message) => received(message))]);
    const expire = () => store.transact([[{ kind: 'expire', wallMs: count }]])[0]?.[0];
    const left = () => store.channels()[0]?.messages;
    expect([expire(), left()]).toEqual([
      { kind: 'expired', removed: PRUNE_STEP, more: true },
      PRUNE_STEP + 2,
    ]);
    const gone = messages.filter(({ message }) => store.readMessage(message.idText) === undefined);
    expect(Math.max(...gone.map(({ message }) => message.expiresMs))).toBe(PRUNE_STEP);
    expect([expire(), left()]).toEqual([{ kind: 'expired', removed: PRUNE_STEP, more: false }, 2]);
    expect([expire(), left()]).toEqual([{ kind: 'expired', removed: 0, more: false }, 2]);
  });
}
