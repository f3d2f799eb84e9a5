import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ephemeralParts } from '../core/message/ephemeral.ts';
import { RELATION } from '../core/message/message.ts';
import { FIRST } from '../core/sync/negentropy/bounds.ts';
import { sha256 } from '../crypto/index.ts';
import { createMemoryStore } from '../store/memory.ts';
import {
  createAuthor,
  joined,
  NETWORK,
  received,
  unsignedMessage,
  WALL_MS,
} from '../store/testing/messages.ts';
import { Feeds } from './feed.ts';
import type { FeedItem } from './gate.ts';

const author = createAuthor(1);

function setUp() {
  const store = createMemoryStore({ network: NETWORK, sha256 });
  store.transact([[joined('dev'), joined('ops')]]);
  const feeds = new Feeds(store, () => WALL_MS);
  let made = 0;
  /** one commit with a message for each channel named */
  const commit = (...channels: string[]) => {
    const ops = channels.map((channel) => received(unsignedMessage(author, { channel, body: `${made++}` })));
    store.transact([ops]);
    feeds.wake();
  };
  /** one commit with what edits or deletes one of the first messages of `dev` */
  const amend = (body: string, which = 0) => {
    const posts = store.readPage({ channel: 'dev', limit: 16, wallMs: WALL_MS, after: FIRST });
    const first = posts[which % posts.length];
    const relation = body === '' ? RELATION.delete : RELATION.edit;
    const refs = first === undefined ? [] : [{ relation, id: first.message.message.id }];
    const time = { timeMs: WALL_MS + ++made };
    store.transact([[received(unsignedMessage(author, { channel: 'dev', body, refs, time, nonce: made }))]]);
    feeds.wake();
  };
  return { store, feeds, commit, amend };
}

function show(item: FeedItem | undefined): string | number {
  if (item === undefined) return 'end';
  if (item.kind === 'ephemeral') return item.ephemeral.text;
  if (item.kind === 'change') {
    const { arrival, edited, deleted } = item.change;
    return `${arrival}: ${[...edited.map(({ body }) => body), ...deleted.map(() => 'deleted')].join()}`;
  }
  return item.kind === 'message' ? item.message.arrival : `caught up ${item.arrival}`;
}

/** Reads `count` items, or to the end. */
async function take(feed: AsyncIterator<FeedItem>, count: number): Promise<(string | number)[]> {
  const out: (string | number)[] = [];
  while (out.length < count) {
    const next = await feed.next();
    out.push(show(next.done ? undefined : next.value));
    if (next.done) break;
  }
  return out;
}

const iterate = (feed: AsyncIterable<FeedItem>) => feed[Symbol.asyncIterator]();

describe('a feed', () => {
  it('gives what is stored, says that it caught up, and then what comes', async () => {
    const { feeds, commit } = setUp();
    commit('dev', 'ops', 'dev');
    const feed = iterate(feeds.open({ after: 1, signal: new AbortController().signal }));
    expect(await take(feed, 3)).toEqual([2, 3, 'caught up 3']);
    const next = take(feed, 2);
    commit('dev', 'ops');
    expect(await next).toEqual([4, 5]);
  });

  it('without a number begins at the call, not at the first read', async () => {
    const { feeds, commit } = setUp();
    commit('dev');
    const feed = iterate(feeds.open({ signal: new AbortController().signal }));
    commit('dev');
    expect(await take(feed, 2)).toEqual([2, 'caught up 2']);
  });

  it('of some channels shows only those and does not lag behind the others', async () => {
    const { feeds, commit } = setUp();
    commit('dev', 'ops', 'ops');
    const feed = iterate(feeds.open({ after: 0, channels: ['dev'], signal: new AbortController().signal }));
    expect(await take(feed, 2)).toEqual([1, 'caught up 3']);
    const next = take(feed, 1);
    commit('ops');
    commit('dev');
    expect(await next).toEqual([5]);
  });

  it('reads one page in a turn of the event loop, however fast its reader is', async () => {
    const { store, commit } = setUp();
    commit(...Array.from({ length: 1000 }, () => 'dev'));
    let reads = 0;
    const counting = {
      ...store,
      readArrivals: (page: Parameters<typeof store.readArrivals>[0]) => {
        reads += 1;
        return store.readArrivals(page);
      },
    };
    const feeds = new Feeds(counting, () => WALL_MS);
    const reading = take(iterate(feeds.open({ after: 0, signal: new AbortController().signal })), 1001);
    const readsByTurn: number[] = [];
    let isDone = false;
    void reading.then(() => {
      isDone = true;
    });
    while (!isDone) {
      const before = reads;
      await new Promise((resolve) => setImmediate(resolve));
      readsByTurn.push(reads - before);
    }
    expect((await reading).at(-1)).toBe('caught up 1000');
    expect(reads).toBeGreaterThan(10);
    expect(Math.max(...readsByTurn)).toBeLessThanOrEqual(2);
  });

  it('brings ephemerals to who asks for them, of each run the newest, and messages before them', async () => {
    const { feeds, commit } = setUp();
    const { signal } = new AbortController();
    const draft = (text: string, run: number, channel = 'dev') =>
      unsignedMessage(author, {
        ...ephemeralParts({ kind: 'draft', text, state: 'open' }),
        ...{ channel, refs: [{ relation: 7, id: new Uint8Array(32).fill(run) }], expiresMs: WALL_MS + 1000 },
      });
    const plain = iterate(feeds.open({ signal }));
    const both = iterate(feeds.open({ signal, ephemerals: true, channels: ['dev'] }));
    expect([await take(plain, 1), await take(both, 1)]).toEqual([['caught up 0'], ['caught up 0']]);
    const next = take(both, 1);
    feeds.tell(draft('elsewhere', 1, 'ops'), false);
    feeds.tell(unsignedMessage(author, { channel: 'dev', kind: 400 }), false);
    feeds.tell(draft('a', 1), false);
    expect(await next).toEqual(['a']);
    for (const text of ['ab', 'abc']) feeds.tell(draft(text, 1), false);
    feeds.tell(draft('x', 2), true);
    commit('dev');
    expect(await take(both, 3)).toEqual([1, 'abc', 'x']);
    expect(await take(plain, 1)).toEqual([1]);
    for (let run = 0; run < 200; run++) feeds.tell(draft(`${run}`, run), false);
    commit('dev');
    expect(await take(both, 65)).toEqual([2, ...Array.from({ length: 64 }, (_, n) => `${136 + n}`)]);
    await both.return?.();
    feeds.tell(draft('to nobody', 1), false);
  });

  it('tells of edits and deletes who asks for changes, in the order of arrival, also after an absence', async () => {
    const { feeds, commit, amend } = setUp();
    const { signal } = new AbortController();
    commit('dev');
    const plain = iterate(feeds.open({ signal }));
    const asking = iterate(feeds.open({ signal, changes: true, channels: ['dev'] }));
    expect([await take(plain, 1), await take(asking, 1)]).toEqual([['caught up 1'], ['caught up 1']]);
    const next = take(asking, 1);
    amend('better');
    expect(await next).toEqual(['2: better']);
    const more = take(asking, 2);
    commit('ops');
    commit('dev');
    amend('best');
    expect(await more).toEqual([4, '5: best']);
    const last = take(asking, 1);
    amend('');
    expect(await last).toEqual(['6: deleted']);
    expect(await take(plain, 2)).toEqual([3, 4]);
    // What was edited before it was deleted is told no more.
    const again = iterate(feeds.open({ signal, changes: true, after: 1 }));
    expect(await take(again, 4)).toEqual([3, 4, '6: deleted', 'caught up 6']);
  });

  it('tells of a post once in each page, however many edits of it there are', async () => {
    const { store, feeds, commit, amend } = setUp();
    for (let i = 0; i < 200; i++) amend(`of nothing ${i}`);
    commit('dev');
    for (let i = 0; i < 70; i++) amend(`edit ${i}`);
    const feed = iterate(feeds.open({ after: 0, changes: true, signal: new AbortController().signal }));
    // A page ends after 63 edits and one look at their post, and tells of it with the last of them.
    const first = [64, 127, 190, 200].map((arrival) => `${arrival}: of nothing 199`);
    const then = [201, '253: edit 69', '271: edit 69', `caught up ${store.lastArrival()}`];
    expect(await take(feed, 9)).toEqual([1, ...first, ...then]);
  });

  it('hides kinds that nobody here knows', async () => {
    const { store, feeds } = setUp();
    store.transact([[received(unsignedMessage(author, { channel: 'dev', kind: 9 }))]]);
    const feed = iterate(feeds.open({ after: 0, signal: new AbortController().signal }));
    expect(await take(feed, 1)).toEqual(['caught up 1']);
  });

  it('ends with its signal, before, while and between waiting', async () => {
    const { feeds, commit } = setUp();
    commit('dev', 'dev');
    for (const reads of [0, 1, 3]) {
      const abort = new AbortController();
      const feed = iterate(feeds.open({ after: 0, signal: abort.signal }));
      expect(await take(feed, reads)).toHaveLength(reads);
      const waiting = reads === 3 ? take(feed, 1) : undefined;
      abort.abort();
      expect(await (waiting ?? take(feed, 1))).toEqual(['end']);
    }
  });

  it('ends with the daemon', async () => {
    const { feeds } = setUp();
    const feed = iterate(feeds.open({ signal: new AbortController().signal }));
    expect(await take(feed, 1)).toEqual(['caught up 0']);
    const waiting = take(feed, 1);
    feeds.close();
    expect(await waiting).toEqual(['end']);
  });

  it('refuses a number that no message has had yet', () => {
    const { feeds, commit } = setUp();
    commit('dev');
    expect(() => feeds.open({ after: 2, signal: new AbortController().signal })).toThrow(
      expect.objectContaining({ code: 'bad_request' }),
    );
  });

  it('has no gap and no repeat, in arrival order, whenever commits fall between its reads', async () => {
    const commitOf = fc.constantFrom('dev', 'ops', 'edit', 'edit', 'edit', 'edit');
    const step = fc.oneof(
      fc.record({ reads: fc.integer({ min: 1, max: 80 }) }),
      fc.record({ commits: fc.array(commitOf, { minLength: 1, maxLength: 150, size: 'max' }) }),
    );
    const scenario = fc.record({
      before: fc.array(fc.constantFrom('dev', 'ops'), { maxLength: 150, size: 'max' }),
      steps: fc.array(step, { maxLength: 12 }),
      channels: fc.constantFrom(undefined, ['dev'], ['dev', 'ops']),
      changes: fc.boolean(),
      start: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ before, steps, channels, changes, start }) => {
        const { store, feeds, commit, amend } = setUp();
        if (before.length > 0) commit(...before);
        const after = Math.floor(start * store.lastArrival());
        const abort = new AbortController();
        const feed = feeds.open({ after, changes, signal: abort.signal, ...(channels ? { channels } : {}) });
        const seen: number[] = [];
        const messages: number[] = [];
        /** what a client shows: text by id */
        const shown = new Map<string, string>();
        let caughtUp = 0;
        const all = (async () => {
          for await (const item of feed) {
            if (item.kind === 'message') {
              seen.push(item.message.arrival);
              messages.push(item.message.arrival);
              shown.set(item.message.id, item.message.body);
            } else if (item.kind === 'change') {
              seen.push(item.change.arrival);
              for (const { id, body } of item.change.edited) shown.set(id, body);
            } else caughtUp += 1;
            // Some reads in the same turn as a commit, some in later ones.
            if (seen.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        })();
        let edits = 0;
        for (const one of steps) {
          if ('commits' in one)
            for (const what of one.commits) what === 'edit' ? amend(`edit ${edits}`, edits++) : commit(what);
          else for (let i = 0; i < one.reads; i++) await Promise.resolve();
        }
        const page = { after, limit: 100_000, wallMs: WALL_MS, ...(channels ? { channels } : {}) };
        const posts = store.readArrivals(page);
        const changed = changes ? store.readChanges(page).changes : [];
        const end = Math.max(0, ...[...posts, ...changed].map(({ arrival }) => arrival));
        while ((seen.at(-1) ?? 0) < end || caughtUp === 0)
          await new Promise((resolve) => setImmediate(resolve));
        abort.abort();
        await all;
        expect(messages).toEqual(posts.map(({ arrival }) => arrival));
        // Which edits are told depends on the pages, the last one of a post always is.
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
        expect(seen).toEqual(expect.arrayContaining(changed.map(({ arrival }) => arrival)));
        if (changes)
          for (const { message, edit } of [...posts, ...changed.flatMap(({ edited }) => edited)])
            expect(shown.get(message.message.idText)).toBe((edit ?? message).message.body);
        else expect(seen).toEqual(messages);
        expect(caughtUp).toBe(1);
      }),
      { numRuns: 60 },
    );
  });
});
