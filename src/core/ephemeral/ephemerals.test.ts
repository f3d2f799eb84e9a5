/** Ephemerals seen from one peer: who gets them, what is forgotten, and that nothing of them stays. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import type { EphemeralCommand } from '../contract.ts';
import { NO_RATES } from '../defaults.ts';
import { addLeaf, announced, createMesh, junk, type SmallMesh, stored } from '../gossip/mesh.fixture.ts';
import { LIMITS } from '../limits.ts';
import { shortId } from '../link/links.ts';
import { idOf } from '../membership/records.fixture.ts';
import { type EphemeralContent, ephemeralParts, readEphemeral } from '../message/ephemeral.ts';
import { authorOf } from '../message/message.fixture.ts';
import type { Message, MessageFields } from '../message/message.ts';
import { Bench } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import { encodeFrame } from '../wire/frames.ts';

const RUN = new Uint8Array(32).fill(7);
const RUN_REF = { relation: 7, id: RUN };

/** A draft of somebody, dated now. */
function draft(
  bench: Bench,
  text: string,
  changes: Partial<MessageFields> = {},
  author = authorOf('somebody'),
) {
  const parts = ephemeralParts({ kind: 'draft', text, state: 'open' });
  const expiresMs = Math.floor(bench.now.wallMs) + LIMITS.ephemeralMs;
  return bench.message('', { ...parts, refs: [RUN_REF], expiresMs, ...changes }, author);
}

/** Drafts of as many runs. */
function drafts(bench: Bench, count: number, author = authorOf('somebody')): Message[] {
  return Array.from({ length: count }, (_, n) => {
    const refs = [{ relation: 7, id: new Uint8Array(32).fill(n + 1) }];
    return draft(bench, `${n}`, { refs }, author);
  });
}

function bring(remote: Remote, messages: readonly Message[], root = ''): void {
  const short = root === '' ? '' : shortId(root);
  remote.send({ type: 'ephemeral', items: messages.map((message) => ({ root: short, message })) });
}

/** Texts that a remote end was given, frame by frame. */
const framesOf = (remote: Remote): string[][] =>
  remote.got('ephemeral').map(({ items }) => items.map(({ message }) => message.body));
const given = (remote: Remote): string[] => framesOf(remote).flat();
/** Texts that local clients were shown. */
const shown = (bench: Bench): string[] => bench.of('ephemeral').map(({ message }) => message.message.body);

function say(
  bench: Bench,
  content: Partial<EphemeralContent>,
  changes: Partial<EphemeralCommand> = {},
): number {
  const request = bench.effects.length + 1_000_000;
  const command: EphemeralCommand = {
    identity: toBase64url(bench.identity.publicKey),
    channel: 'dev',
    run: RUN,
    refs: [],
    content: { kind: 'draft', text: '', state: 'open', ...content } as EphemeralContent,
    ...changes,
  };
  bench.event({ kind: 'ephemeral', request, command });
  return request;
}

/** Nothing of it was stored, announced or can be fetched. */
function expectNoTrace({ bench, a, b }: SmallMesh, messages: readonly Message[]): void {
  expect(
    bench
      .of('persist')
      .flatMap(({ ops }) => ops)
      .filter(({ kind }) => /message|put-off|carry/.test(kind)),
  ).toEqual([]);
  expect([announced(a), announced(b), stored(bench)]).toEqual([0, 0, []]);
  b.send({ type: 'fetch', ids: messages.map(({ id }) => id) });
  bench.run(100);
  const [answer] = b.got('fetched');
  expect(answer?.messages).toEqual([]);
  expect(answer?.notHeld).toHaveLength(messages.length);
}

describe('an ephemeral on its way', () => {
  it('follows the tree of its root, reaches live leaves that want it and local clients, once, and leaves no trace', () => {
    const mesh = createMesh({ state: { joined: ['dev'] } });
    const { bench, a, b, far } = mesh;
    const live = addLeaf(bench, 'live', true, 'dev');
    const standby = addLeaf(bench, 'standby', false, 'dev');
    const other = addLeaf(bench, 'other', true, 'ops');
    const message = draft(bench, 'hello');
    for (const root of [idOf(far), a.id, idOf(far)]) bring(a, [message], idOf(far) === root ? root : a.id);
    bench.run(1000);
    expect([given(b), given(live), given(standby), given(other), given(a)]).toEqual([
      ['hello'],
      ['hello'],
      [],
      [],
      [],
    ]);
    expect(b.got('ephemeral')[0]?.items[0]?.root).toBe(shortId(idOf(far)));
    expect(bench.of('ephemeral')).toMatchObject([{ isOwn: false }]);
    expect(shown(bench)).toEqual(['hello']);
    expectNoTrace(mesh, [message]);
  });

  it('enters the mesh here when a leaf brings it, and does not go back to it', () => {
    const { bench, b } = createMesh();
    const author = addLeaf(bench, 'author', true, 'dev');
    const reader = addLeaf(bench, 'reader', true, 'dev');
    bring(author, [draft(bench, 'from a leaf')]);
    bench.run(1000);
    expect([given(b), given(reader), given(author)]).toEqual([['from a leaf'], ['from a leaf'], []]);
    expect(b.got('ephemeral')[0]?.items[0]?.root).toBe(shortId(bench.peerId));
    expect(shown(bench)).toEqual([]);
  });

  it('goes nowhere along the tree of an unknown root, and nowhere at all from a leaf', () => {
    const { bench, a, b } = createMesh();
    bring(a, [draft(bench, 'rootless')], idOf(authorOf('nobody on the map')));
    bench.run(1000);
    expect(given(b)).toEqual([]);
    const leaf = new Bench({ state: { joined: ['dev'] } });
    const [home, second] = ['home', 'second'].map((name) =>
      leaf.connect(name, { role: 'responder', relay: true }),
    );
    bring(home as Remote, [draft(leaf, 'to a leaf')], bench.peerId);
    leaf.run(1000);
    expect([shown(leaf), given(second as Remote)]).toEqual([['to a leaf'], []]);
  });

  it('of a kind that nobody knows goes on all the same', () => {
    const { bench, a, b } = createMesh();
    bring(a, [draft(bench, 'later', { kind: 400 })], a.id);
    bench.run(1000);
    expect(given(b)).toEqual(['later']);
  });
});

describe('what is forgotten', () => {
  it('without an offence: late, too far ahead, or older than what is known of its run', () => {
    const { bench, a, b } = createMesh({ state: { joined: ['dev'] } });
    const now = Math.floor(bench.now.wallMs);
    const at = (timeMs: number) => ({ time: { timeMs, counter: 0 }, expiresMs: timeMs + LIMITS.ephemeralMs });
    bring(
      a,
      [
        draft(bench, 'late', at(now - LIMITS.ephemeralMs)),
        draft(bench, 'ahead', at(now + LIMITS.ephemeralMs + 1)),
      ],
      a.id,
    );
    bring(a, [draft(bench, 'newer', at(now + 2))], a.id);
    bring(a, [draft(bench, 'older', at(now + 1))], a.id);
    bench.run(1000);
    expect([given(b), shown(bench), bench.reports('offence')]).toEqual([['newer'], ['newer'], []]);
  });

  it('with an offence: a wrong signature, and one that breaks the write rule', () => {
    const { bench, a, b } = createMesh();
    const genuine = draft(bench, 'genuine');
    bring(a, [junk(genuine)], a.id);
    bring(a, [draft(bench, 'x', { channel: `@${idOf(authorOf('ada'))}` })], a.id);
    bring(a, [draft(bench, 'y', { channel: `~${idOf(authorOf('ada'))}` })], a.id);
    bring(a, [genuine], a.id);
    bench.run(1000);
    expect(bench.reports('offence').map(({ code }) => code)).toEqual([
      'invalid_signature',
      'invalid_message',
    ]);
    expect(given(b)).toEqual(['genuine']);
  });

  it('beyond 4 a second of one author, silently and before its signature is looked at; others are heard', () => {
    const { bench, a } = createMesh({ state: { joined: ['dev'] } });
    for (let i = 0; i < 40; i++) {
      const author = authorOf('busy');
      bring(
        a,
        [draft(bench, `${i}`, { refs: [{ relation: 7, id: new Uint8Array(32).fill(i) }] }, author)],
        a.id,
      );
      bench.run(100);
    }
    bring(a, [draft(bench, 'of another')], a.id);
    bench.run(500);
    const count = shown(bench).length;
    // 8 at once and 4 a second for 4 s, and the other's
    expect(count).toBeGreaterThanOrEqual(23);
    expect(count).toBeLessThanOrEqual(25);
    expect(shown(bench).at(-1)).toBe('of another');
    expect(bench.of('verify').flatMap(({ checks }) => checks).length).toBeLessThan(40);
    expect(bench.reports('offence')).toEqual([]);
  });

  it('beyond the rate of a link: what is above it costs the link what messages do', () => {
    const rates = { ...NO_RATES, leafPerSecond: 2 };
    const { bench } = createMesh({ state: { joined: ['dev'] }, config: { rates } });
    const leaf = addLeaf(bench, 'many authors', true, 'dev');
    const burst = 2 * LIMITS.ephemeralLeafPerSecond;
    const from = (n: number) => drafts(bench, 1, authorOf(`author ${n}`));
    bring(leaf, Array.from({ length: burst }, (_, n) => from(n)).flat());
    bench.run(10);
    expect([shown(bench).length, bench.of('pause').length]).toEqual([burst, 0]);
    for (let n = 0; n < 3; n++)
      bring(leaf, Array.from({ length: 10 }, (_, i) => from(100 + 10 * n + i)).flat());
    bench.run(10);
    expect(shown(bench).length).toBe(burst);
    expect(bench.of('pause').length).toBeGreaterThan(0);
  });

  it('where it comes in place of a message', () => {
    const { bench, a } = createMesh({ state: { joined: ['dev'] } });
    const message = draft(bench, 'smuggled');
    a.send({ type: 'push', root: '', keep: true, messages: [message] });
    bench.run(1000);
    expect([stored(bench), shown(bench), bench.reports('offence').length]).toEqual([[], [], 1]);
    const post = bench.message('a post');
    a.bytes(encodeFrame({ type: 'ephemeral', items: [{ root: '', message: post }] }));
    bench.run(1000);
    expect([stored(bench), shown(bench), bench.reports('offence').length]).toEqual([[], [], 2]);
  });
});

describe('a link', () => {
  it('gets the first at once and then, every 100 ms, the newest of each run', () => {
    const { bench, a, b } = createMesh();
    const now = Math.floor(bench.now.wallMs);
    const authors = ['x', 'y'].map(authorOf);
    for (let i = 0; i < 3; i++)
      for (const [n, author] of authors.entries())
        bring(a, [draft(bench, `${n} ${i}`, { time: { timeMs: now, counter: i } }, author)], a.id);
    bench.run(0);
    expect(framesOf(b)).toEqual([['0 0']]);
    bench.run(100);
    expect(framesOf(b)).toEqual([['0 0'], ['1 2', '0 2']]);
    bench.run(1000);
    expect(framesOf(b)).toHaveLength(2);
  });

  it('has one frame of them under way: while it reads slowly, what is old gives way to what is new', () => {
    const { bench, a, b } = createMesh();
    b.isReadingSlowly = true;
    const say = (text: string, counter: number) => {
      const time = { timeMs: Math.floor(bench.now.wallMs), counter };
      bring(a, [draft(bench, text, { time })], a.id);
      bench.run(200);
    };
    for (const [i, text] of ['a', 'ab', 'abc', 'abcd'].entries()) say(text, i);
    expect(framesOf(b)).toEqual([['a']]);
    bench.flushed(b.link);
    bench.run(100);
    expect(framesOf(b)).toEqual([['a'], ['abcd']]);
    // The second frame was dropped: nobody says that it has left, and after a second the next one goes.
    bench.run(LIMITS.ephemeralStallMs);
    say('abcde', 5);
    expect(framesOf(b).at(-1)).toEqual(['abcde']);
  });

  it('is sent them as what is dropped first, and real messages as before', () => {
    const { bench, a, b } = createMesh();
    bring(a, [draft(bench, 'hello')], a.id);
    a.send({ type: 'push', root: shortId(a.id), keep: false, messages: [bench.message('a post')] });
    const mark = bench.mark;
    bench.run(10);
    const sent = [...bench.of('send')].filter(({ links }) => links.includes(b.link)).slice(-2);
    expect(sent.map(({ droppable }) => droppable)).toEqual(['first', true]);
    expect(bench.of('send', mark).length).toBeGreaterThan(0);
  });

  it('holds a bounded number of them, the newest, and not for long', () => {
    const { bench, a, b } = createMesh();
    b.isReadingSlowly = true;
    bring(a, [draft(bench, 'under way')], a.id);
    const count = LIMITS.ephemeralQueueMax + 5;
    for (let n = 0; n < count; n++) bring(a, drafts(bench, 1, authorOf(`author ${n}`)), a.id);
    expect(bench.peer.footprint().ephemeralsOfOneLink?.size).toBe(LIMITS.ephemeralQueueMax);
    b.isReadingSlowly = false;
    bench.flushed(b.link);
    bench.run(500);
    expect(given(b)).toHaveLength(1 + LIMITS.ephemeralQueueMax);
    for (const frame of b.got('ephemeral'))
      expect(encodeFrame(frame).length).toBeLessThan(LIMITS.ephemeralFrameBytes + 100);
    for (let n = 0; n < 3; n++) bring(a, drafts(bench, 1, authorOf(`again ${n}`)), a.id);
    bench.run(0);
    expect(bench.peer.footprint().ephemeralsOfOneLink?.size).toBeGreaterThan(0);
    b.hangUp();
    bench.run(10);
    expect(bench.peer.footprint().ephemeralsOfOneLink?.size).toBe(0);
  });
});

describe('an ephemeral of a local identity', () => {
  function leafBench() {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    bench.run(100);
    home.clear();
    return { bench, home };
  }

  it('is signed, shown here as our own, given to the live relay without a root, and stored nowhere', () => {
    const { bench, home } = leafBench();
    const mark = bench.mark;
    const request = say(
      bench,
      { text: 'It is', state: 'ended' },
      { refs: [{ relation: 1, id: new Uint8Array(32) }] },
    );
    bench.run(100);
    expect(bench.reply(request)).toEqual({ kind: 'taken' });
    const [item] = home.got('ephemeral')[0]?.items ?? [];
    expect(item).toMatchObject({ root: '', message: { kind: 256, channel: 'dev', prev: new Uint8Array(0) } });
    expect(item?.message.refs.map(({ relation }) => relation)).toEqual([7, 1]);
    expect(readEphemeral(item?.message as Message)).toEqual({ kind: 'draft', text: 'It is', state: 'ended' });
    expect(item?.message.expiresMs).toBe(Math.floor(bench.now.wallMs) - 100 + LIMITS.ephemeralMs);
    expect(bench.of('ephemeral')).toMatchObject([{ isOwn: true }]);
    expect(bench.of('persist', mark)).toEqual([]);
  });

  it('leaves four times a second at most, the newest of each run, however often it is handed over', () => {
    const { bench, home } = leafBench();
    for (let i = 0; i < 100; i++) {
      say(bench, { text: 'x'.repeat(i + 1) });
      if (i === 50)
        say(bench, { kind: 'activity', doing: 'tool', text: 'search' } as Partial<EphemeralContent>);
      bench.run(50);
    }
    bench.run(1000);
    const texts = given(home);
    expect(texts.at(-1)).toBe('x'.repeat(100));
    expect(texts.filter((text) => text === 'search')).toHaveLength(1);
    // four at once, and 4 a second for 5 s
    expect(texts.length).toBeGreaterThanOrEqual(20);
    expect(texts.length).toBeLessThanOrEqual(26);
    const lengths = texts.filter((text) => text !== 'search').map((text) => text.length);
    expect(lengths).toEqual([...lengths].sort((x, y) => x - y));
  });

  it('enters at oneself where one is a relay', () => {
    const { bench, b } = createMesh();
    const leaf = addLeaf(bench, 'reader', true, 'dev');
    say(bench, { text: 'hello' });
    bench.run(100);
    expect([given(b), given(leaf)]).toEqual([['hello'], ['hello']]);
    expect(b.got('ephemeral')[0]?.items[0]?.root).toBe(shortId(bench.peerId));
  });

  it('is refused where a message would be, and where too many wait', () => {
    const { bench } = leafBench();
    const code = (content: Partial<EphemeralContent>, changes: Partial<EphemeralCommand> = {}) =>
      bench.codeOf(say(bench, content, changes));
    expect(code({}, { identity: idOf(authorOf('nobody')) })).toBe('not_found');
    expect(code({}, { channel: 'dm:x' })).toBe('bad_channel');
    expect(code({}, { channel: `@${idOf(authorOf('ada'))}` })).toBe('bad_channel');
    expect(code({ text: '\ud800' })).toBe('bad_text');
    expect(code({ text: 'x'.repeat(LIMITS.ephemeralBytesMax) })).toBe('message_too_large');
    const refs = Array.from({ length: 8 }, () => ({ relation: 1, id: new Uint8Array(32) }));
    expect(code({}, { refs })).toBe('bad_request');
    const runs = Array.from({ length: LIMITS.ephemeralWaitingMax + 4 }, (_, n) =>
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? n & 255 : i === 1 ? n >> 8 : 1)),
    );
    for (const run of runs) expect(code({}, { run })).toBe('');
    expect(code({}, { run: RUN })).toBe('too_many_requests');
    expect(code({ text: 'newer' }, { run: runs.at(-1) as Uint8Array })).toBe('');
  });

  it('of the largest text, with all the refs that there may be, fits', () => {
    const { bench, home } = leafBench();
    const refs = Array.from({ length: 7 }, () => ({ relation: 65535, id: new Uint8Array(32) }));
    const text = 'x'.repeat(LIMITS.ephemeralBytesMax - 1024);
    say(bench, { text }, { channel: 'c'.repeat(128), refs });
    bench.run(100);
    expect(given(home)).toEqual([text]);
  });
});
