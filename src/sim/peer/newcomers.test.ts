/** What a relay keeps for newcomers, with a real store behind it: little for each address group, and never at the cost of others. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { DEFAULT_RETENTION } from '../../core/defaults.ts';
import { HOUR, LIMITS, MINUTE } from '../../core/limits.ts';
import { authorOf } from '../../core/message/message.fixture.ts';
import { Bench, type BenchState, EPOCH_MS, tagOf } from '../../core/peer.fixture.ts';
import type { Remote } from '../../core/remote.fixture.ts';
import type { Store } from '../../store/store.ts';
import { bodies, createStore, fill, restored, series } from './holder.fixture.ts';

const ROOM = 256 * 1024;
const RETENTION = { ...DEFAULT_RETENTION, carriedBytesAll: 1024 * 1024, newcomerBytes: ROOM };
const BIG = 'x'.repeat(4000);
const OWNER = toBase64url(authorOf('owner').publicKey);

function bytesOf(store: Store, ...channels: readonly string[]): number {
  const answer = store.read({ kind: 'usage' });
  const tags = new Set(channels.map(tagOf));
  if (answer.kind !== 'usage') throw new Error('no usage');
  return answer.tags.reduce((sum, { tag, bytes }) => sum + (tags.has(tag) ? bytes : 0), 0);
}

/** A relay with a mailbox of an established peer for `old`, in which there are 50 messages. */
function createRelay() {
  const store = createStore();
  const mailbox = { linkedMs: LIMITS.mailboxEstablishedMs, group: '10.9', untilMs: EPOCH_MS + 24 * HOUR };
  const state: BenchState = { mailboxes: [{ peer: OWNER, tags: [tagOf('old')], ...mailbox }] };
  const start = (more: BenchState = state) =>
    new Bench({ store, config: { retention: RETENTION }, state: more });
  const bench = start();
  store.transact([[{ kind: 'mailbox', peer: OWNER, tags: [tagOf('old')], ...mailbox }]]);
  fill(store, series(bench, 50, { channel: 'old', author: 'old', body: BIG, everyMs: 5 * MINUTE }));
  return { bench, store, start };
}

/** `count` messages of 4 kB, one author for each ten. */
function flood(bench: Bench, from: Remote, channel: string, count: number, keep = false): void {
  for (let at = 0; at < count; at += 10) {
    const messages = series(bench, 10, { channel, author: `${channel} ${at}`, body: BIG, everyMs: 1000 });
    from.send({ type: 'push', root: '', keep, messages });
  }
}

describe('content that is kept for newcomers only', () => {
  it('has little room in each address group, also after a restart, and none of what others have', () => {
    const { bench, store, start } = createRelay();
    const crowd = [1, 2, 3].map((n) => bench.connect(`one ${n}`, { live: true, host: `10.1.${n}.1` }));
    const apart = bench.connect('apart', { live: true, host: '10.2.0.1' });
    for (const [n, one] of crowd.entries()) one.send({ type: 'mailbox', tags: [tagOf(`new ${n}`)] });
    apart.send({ type: 'mailbox', tags: [tagOf('apart')] });
    for (const [n, one] of crowd.entries()) flood(bench, one, `new ${n}`, 100);
    flood(bench, apart, 'apart', 30);
    const ofCrowd = () => bytesOf(store, 'new 0', 'new 1', 'new 2');
    expect(ofCrowd()).toBeLessThan(ROOM + 3 * 10 * (BIG.length + 1024));
    bench.run(70_000);
    expect(ofCrowd()).toBeLessThanOrEqual(ROOM);
    expect(bench.reports('no more room for newcomers of one address group')[0]?.data).toMatchObject({
      ...{ group: '10.1', room: ROOM },
    });
    expect([bodies(store, 'old').length, bodies(store, 'apart').length]).toEqual([50, 30]);

    for (const one of [...crowd, apart]) one.hangUp();
    const again = start(restored(store));
    const back = again.connect('one 1', { live: true, host: '10.1.1.1' });
    again.run(2000);
    for (const n of [0, 1, 2]) flood(again, back, `new ${n}`, 200);
    again.run(70_000);
    expect(ofCrowd()).toBeLessThanOrEqual(ROOM);
    expect([bodies(store, 'old').length, bodies(store, 'apart').length]).toEqual([50, 30]);
  });

  it('gives way before all else but for an eighth when the relay is full, whatever is asked to be kept', () => {
    const { bench, store } = createRelay();
    const leaf = bench.connect('leaf', { live: true, host: '10.1.0.1' });
    leaf.send({ type: 'mailbox', tags: [tagOf('new')] });
    flood(bench, leaf, 'new', 40);
    bench.run(2000);
    expect(bodies(store, 'new')).toHaveLength(40);
    for (let n = 0; n < 20; n++) flood(bench, leaf, `asked ${n}`, 50, true);
    bench.run(70_000);
    expect(bodies(store, 'old')).toHaveLength(50);
    expect(bytesOf(store, 'new')).toBeLessThanOrEqual(RETENTION.carriedBytesAll / 8);
    expect(bodies(store, 'new').length).toBeGreaterThan(0);
  });

  it('is content like any other once somebody else wants it', () => {
    const { bench, store } = createRelay();
    const leaf = bench.connect('leaf', { live: true, host: '10.1.0.1' });
    leaf.send({ type: 'mailbox', tags: [tagOf('old'), tagOf('mine')] });
    bench.join('mine');
    flood(bench, leaf, 'mine', 200);
    flood(bench, leaf, 'old', 50);
    bench.run(70_000);
    expect(bodies(store, 'mine')).toHaveLength(200);
    expect(bodies(store, 'old')).toHaveLength(100);
  });
});
