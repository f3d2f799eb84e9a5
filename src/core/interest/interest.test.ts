/** What is told to whom about channels: floors, changes, limits, mailboxes. */
import { describe, expect, it, vi } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { DAY, HOUR, LIMITS } from '../limits.ts';
import { idOf, interestIn, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { TagSet, wordsOf } from '../membership/tag-set.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench, EPOCH_MS, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

const tag = (n: number): string => toBase64url(Uint8Array.of(0, 0, 0, 0, 0, 0, n >> 8, n & 255));
const tags = (count: number): string[] => Array.from({ length: count }, (_, n) => tag(n));
const told = (remote: Remote) => remote.got('holds').flatMap(({ set }) => set);
const unset = (remote: Remote) => remote.got('holds').flatMap(({ unset: gone }) => gone);
const floor = (ageMs: number) => Math.ceil((EPOCH_MS - ageMs) / HOUR);

function relayBench(): { bench: Bench; leaf: Remote } {
  const bench = new Bench();
  const leaf = bench.connect('leaf', { live: true });
  bench.run(2000);
  leaf.clear();
  return { bench, leaf };
}

/** The tags of the bench's own interest record, as a neighbour gets it. */
function recordTags(bench: Bench, relay: Remote): string[] {
  bench.run(2000);
  relay.clear();
  relay.send({ type: 'want', heads: [{ kind: 2, peer: bench.peerId, sequence: 0 }] });
  const set = interestIn(
    relay.got('records').flatMap(({ records }) => records),
    bench.peerId,
  );
  const listed = [...tags(5), tagOf('dev'), tagOf('ops')].filter((one) => set?.has(wordsOf(one)));
  expect(set?.size).toBe(listed.length);
  return listed;
}

/** A tag as hashes are, all over the range. */
const scattered = (n: number): string => tagOf(`scattered ${n}`);

describe('a leaf', () => {
  it('tells its home relays what it joined, with the hour since which it keeps it, and asks for a mailbox', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    expect(told(home)).toEqual([{ tag: tagOf('dev'), floorHour: floor(LIMITS.joinedMs) }]);
    expect(home.got('mailbox')).toEqual([{ type: 'mailbox', tags: [tagOf('dev')] }]);
    bench.join('ops');
    expect(told(home).at(-1)?.tag).toBe(tagOf('ops'));
    expect(home.got('mailbox').at(-1)?.tags).toEqual([tagOf('dev'), tagOf('ops')]);
  });

  it('does not tell them what it carries or keeps for others', () => {
    const bench = new Bench({ state: { carried: [{ tag: tagOf('dev'), untilMs: EPOCH_MS + DAY }] } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    bench.run(5000);
    expect([told(home), home.got('mailbox')]).toEqual([[], []]);
  });

  it('tells nothing twice, and floors anew at the turn of the hour', () => {
    const bench = new Bench({ state: { joined: ['dev', 'ops'] } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    bench.run(30 * 60_000);
    expect(home.got('holds')).toHaveLength(1);
    bench.run(11 * 60_000);
    expect(home.got('holds')).toHaveLength(2);
    expect(home.got('holds')[1]?.set.map(({ floorHour }) => floorHour)).toEqual([
      floor(LIMITS.joinedMs) + 1,
      floor(LIMITS.joinedMs) + 1,
    ]);
    bench.run(60 * 60_000);
    expect(home.got('holds')).toHaveLength(3);
  });

  it('asks for 1024 tags at most, and gets answers that change nothing', () => {
    const joined = Array.from({ length: LIMITS.mailboxTagsFullMax + 1 }, (_, n) => `channel ${n}`);
    const bench = new Bench({ state: { joined } });
    const home = bench.connect('home', { role: 'responder', relay: true });
    expect(home.got('mailbox')[0]?.tags).toHaveLength(LIMITS.mailboxTagsFullMax);
    expect(told(home)).toHaveLength(joined.length);
    home.send({ type: 'mailbox-kept', tags: [], hours: 0 });
    expect(bench.reports('offence')).toEqual([]);
  });

  it('answers a join once it is durable, and says whether it is new', () => {
    const bench = new Bench();
    bench.hold('persist');
    bench.join('dev');
    expect(bench.of('reply')).toEqual([]);
    bench.release('persist');
    bench.join('dev');
    expect(bench.of('reply').map(({ reply }) => reply)).toEqual([
      { kind: 'joined', channel: 'dev', isNew: true },
      { kind: 'joined', channel: 'dev', isNew: false },
    ]);
    bench.failPersists = 1;
    bench.join('ops');
    expect(bench.of('reply').at(-1)?.reply).toMatchObject({ kind: 'failed', code: 'store_failed' });
    expect(bench.peer.snapshot(bench.now).joined).toEqual(['dev']);
  });
});

describe('a relay', () => {
  it('holds what a leaf of its wants, tells it so, and lists it', () => {
    const { bench, leaf } = relayBench();
    const relay = bench.connect('relay', { relay: true });
    leaf.send({ type: 'holds', reset: false, set: [{ tag: tag(1), floorHour: 5 }], unset: [] });
    bench.run(0);
    expect(told(leaf)).toEqual([{ tag: tag(1), floorHour: floor(LIMITS.joinedMs) }]);
    expect(recordTags(bench, relay)).toEqual([tag(1)]);
    leaf.send({ type: 'holds', reset: false, set: [], unset: [tag(1)] });
    bench.run(0);
    expect(unset(leaf)).toEqual([tag(1)]);
    expect(recordTags(bench, relay)).toEqual([]);
  });

  it('forgets what a leaf wanted when that leaves, and all that it told with a reset', () => {
    const { bench, leaf } = relayBench();
    const relay = bench.connect('relay', { relay: true });
    const set = [tag(1), tag(2)].map((one) => ({ tag: one, floorHour: 5 }));
    leaf.send({ type: 'holds', reset: false, set, unset: [] });
    leaf.send({ type: 'holds', reset: true, set: set.slice(1), unset: [] });
    expect(recordTags(bench, relay)).toEqual([tag(2)]);
    leaf.hangUp();
    expect(recordTags(bench, relay)).toEqual([]);
  });

  it('tells another relay the floors of what both list in their records', () => {
    const { bench, leaf } = relayBench();
    const relay = bench.connect('relay', { relay: true });
    leaf.send({
      type: 'holds',
      reset: false,
      set: [tag(1), tag(2)].map((one) => ({ tag: one, floorHour: 5 })),
      unset: [],
    });
    bench.run(3000);
    expect(told(relay)).toEqual([]);
    const seq = Math.floor(bench.now.wallMs);
    sendRecords(relay, peerRecord(relay.key, { sequence: seq, links: [bench.peerId] }));
    sendRecords(relay, interestRecord(relay.key, seq, [tag(2), tag(3)]));
    bench.run(0);
    expect(told(relay).map((one) => one.tag)).toEqual([tag(2)]);
    sendRecords(relay, interestRecord(relay.key, seq + 1, [tag(3)]));
    bench.run(0);
    expect(unset(relay)).toEqual([tag(2)]);
  });

  it('compares what it holds with the records of neighbours when they change, and not at those of others', () => {
    const { bench, leaf } = relayBench();
    const [relay, other] = [bench.connect('relay', { relay: true }), bench.connect('other', { relay: true })];
    const far = authorOf('far');
    const seq = Math.floor(bench.now.wallMs);
    const list = tags(1000).map((one) => ({ tag: one, floorHour: 5 }));
    leaf.send({ type: 'holds', reset: false, set: list, unset: [] });
    for (const { key } of [relay, other])
      sendRecords(
        relay,
        peerRecord(key, { sequence: seq, links: [bench.peerId] }),
        interestRecord(key, seq, [tag(1)]),
      );
    bench.run(5000);
    expect([told(relay), told(other)].map((all) => all.map((one) => one.tag))).toEqual([[tag(1)], [tag(1)]]);
    const has = vi.spyOn(TagSet.prototype, 'has');
    const asked = (act: () => void): number => {
      has.mockClear();
      act();
      bench.run(0);
      return has.mock.calls.length;
    };
    try {
      expect(asked(() => sendRecords(relay, peerRecord(far, { sequence: seq, links: [relay.id] })))).toBe(0);
      expect(asked(() => sendRecords(relay, interestRecord(far, seq, [tag(1), tag(2)])))).toBe(0);
      expect(
        asked(() => sendRecords(relay, peerRecord(other.key, { sequence: seq + 1, links: [idOf(far)] }))),
      ).toBe(0);
      expect(asked(() => sendRecords(relay, interestRecord(other.key, seq + 1, [tag(2)])))).toBe(1000);
    } finally {
      has.mockRestore();
    }
    expect([told(other).at(-1)?.tag, unset(other), unset(relay)]).toEqual([tag(2), [tag(1)], []]);
  });

  it('takes back what it told a neighbour whose records lapse', () => {
    const { bench, leaf } = relayBench();
    const relay = bench.connect('relay', { relay: true });
    leaf.send({ type: 'holds', reset: false, set: [{ tag: tag(1), floorHour: 5 }], unset: [] });
    const seq = Math.floor(bench.now.wallMs);
    sendRecords(relay, peerRecord(relay.key, { sequence: seq, links: [bench.peerId] }));
    sendRecords(relay, interestRecord(relay.key, seq, [tag(1)]));
    bench.run(LIMITS.recordMs / 2);
    expect([told(relay)[0]?.tag, unset(relay)]).toEqual([tag(1), []]);
    // Not at the turn of the hour, when all is told anew.
    while (bench.peer.footprint().relays?.size === 2) bench.run(1000);
    expect(unset(relay)).toEqual([tag(1)]);
  });

  it('takes 4096 channels of one link, and one more for an offence without forgetting the others', () => {
    const { bench, leaf } = relayBench();
    const set = tags(LIMITS.tagsMax).map((one) => ({ tag: one, floorHour: 0 }));
    leaf.send({ type: 'holds', reset: false, set, unset: [] });
    bench.run(0);
    expect(bench.reports('offence')).toEqual([]);
    expect(told(leaf)).toHaveLength(LIMITS.tagsMax);
    leaf.send({ type: 'holds', reset: false, set: [{ tag: tag(60_000), floorHour: 0 }], unset: [] });
    expect(bench.reports('offence')).toHaveLength(1);
    leaf.send({ type: 'holds', reset: false, set: [{ tag: tag(0), floorHour: 1 }], unset: [] });
    expect(bench.reports('offence')).toHaveLength(1);
    leaf.send({ type: 'holds', reset: false, set: [{ tag: tag(60_000), floorHour: 0 }], unset: [tag(1)] });
    expect(bench.reports('offence')).toHaveLength(1);
  });

  it.each([
    [3, 'a filter where leaves want more than is listed exactly', 8192],
    [26, 'what fits into a filter of a frame', LIMITS.relayTagsMax],
  ])('lists, with %i busy leaves, %s', (leaves, _, most) => {
    const bench = new Bench();
    const relay = bench.connect('relay', { relay: true });
    for (let n = 0; n < leaves; n++) {
      const leaf = bench.connect(`leaf ${n}`, { live: true });
      const set = Array.from({ length: LIMITS.tagsMax }, (_one, i) => ({
        tag: scattered(i % 2 ? i : i + n * 5000),
        floorHour: 0,
      }));
      leaf.send({ type: 'holds', reset: false, set, unset: [] });
    }
    bench.run(3000);
    relay.send({ type: 'want', heads: [{ kind: 2, peer: bench.peerId, sequence: 0 }] });
    const records = relay.got('records').flatMap(({ records: some }) => some);
    const set = interestIn(records, bench.peerId);
    expect(set?.isExact).toBe(false);
    // two tags may have the same upper half
    expect(set?.size).toBeGreaterThan(most - 3);
    expect(set?.size).toBeLessThanOrEqual(most);
    expect(records.every(({ bytes }) => bytes.length <= LIMITS.signedRecordBytesMax)).toBe(true);
  });
});

/** of somebody who was never linked for a minute */
const NEW = { linkedMs: 0, group: '10.1' };

describe('a mailbox', () => {
  it('is kept from when it is durable, told, listed, and survives the link for seven days', () => {
    const { bench, leaf } = relayBench();
    const relay = bench.connect('relay', { relay: true });
    bench.hold('persist');
    leaf.send({ type: 'mailbox', tags: [tag(1), tag(1), tag(2)] });
    expect(leaf.got('mailbox-kept')).toEqual([]);
    bench.release('persist');
    expect(leaf.got('mailbox-kept')).toEqual([{ type: 'mailbox-kept', tags: [tag(1), tag(2)], hours: 168 }]);
    const untilMs = bench.now.wallMs + LIMITS.mailboxMs;
    expect(bench.ops('mailbox')).toEqual([
      { kind: 'mailbox', peer: leaf.id, tags: [tag(1), tag(2)], untilMs, linkedMs: 0, group: '' },
    ]);
    leaf.hangUp();
    expect(recordTags(bench, relay)).toEqual([tag(1), tag(2)]);
    // A jump of more than a day would be doubted.
    for (bench.wallOffsetMs = 0; bench.wallOffsetMs < LIMITS.mailboxMs - HOUR; bench.wallOffsetMs += DAY)
      bench.run(70_000);
    bench.wallOffsetMs = LIMITS.mailboxMs - HOUR;
    bench.run(70_000);
    expect(recordTags(bench, relay)).toEqual([tag(1), tag(2)]);
    bench.wallOffsetMs = LIMITS.mailboxMs;
    bench.run(70_000);
    expect(recordTags(bench, relay)).toEqual([]);
  });

  it('is renewed while its owner is there, about once an hour', () => {
    const { bench, leaf } = relayBench();
    leaf.send({ type: 'mailbox', tags: [tag(1)] });
    bench.run(20 * 60_000);
    expect(bench.ops('mailbox')).toHaveLength(1);
    // Within the first hour link time is noted, too.
    bench.run(150 * 60_000);
    expect(bench.ops('mailbox').map(({ linkedMs }) => linkedMs)).toEqual([0, HOUR / 2, HOUR, HOUR]);
    expect(bench.ops('mailbox').at(-1)?.untilMs).toBeGreaterThan(bench.now.wallMs + LIMITS.mailboxMs - HOUR);
    expect(leaf.isUp).toBe(true);
  });

  it('holds the first 64 tags, is replaced by the next request, and is not told of if it was not kept', () => {
    const { bench, leaf } = relayBench();
    leaf.send({ type: 'mailbox', tags: tags(100) });
    expect(leaf.got('mailbox-kept')[0]?.tags).toEqual(tags(LIMITS.mailboxTagsMax));
    leaf.send({ type: 'mailbox', tags: [tag(3)] });
    bench.failPersists = 1;
    leaf.send({ type: 'mailbox', tags: [tag(4)] });
    expect(leaf.got('mailbox-kept').map((frame) => frame.tags.length)).toEqual([64, 1]);
    const relay = bench.connect('relay', { relay: true });
    expect(recordTags(bench, relay)).toEqual([tag(3)]);
  });

  it('is there again after a restart, as carried channels are, until they lapse', () => {
    const mailboxes = [
      { peer: toBase64url(authorOf('away').publicKey), tags: [tag(1)], untilMs: EPOCH_MS + HOUR, ...NEW },
    ];
    const carried = [{ tag: tag(2), untilMs: EPOCH_MS + 2 * HOUR }];
    const bench = new Bench({ state: { mailboxes, carried } });
    const relay = bench.connect('relay', { relay: true });
    expect(recordTags(bench, relay)).toEqual([tag(1), tag(2)]);
    bench.wallOffsetMs = HOUR;
    bench.run(70_000);
    expect(recordTags(bench, relay)).toEqual([tag(2)]);
    bench.wallOffsetMs = 2 * HOUR;
    bench.run(70_000);
    expect(recordTags(bench, relay)).toEqual([]);
    expect(bench.ops('expire').at(-1)?.wallMs).toBeGreaterThan(EPOCH_MS + 2 * HOUR);
  });

  it('is kept for 1024 peers at most: who has been away longest gives way', () => {
    const mailboxes = Array.from({ length: LIMITS.mailboxesMax }, (_, n) => {
      return {
        peer: toBase64url(new Uint8Array(32).fill(n % 250, 0, 16).fill(n >> 2, 16)),
        tags: [tag(n)],
        untilMs: EPOCH_MS + DAY + (n === 700 ? -1 : n),
        ...{ linkedMs: 0, group: `10.${n >> 5}` },
      };
    });
    const bench = new Bench({ state: { mailboxes } });
    const leaf = bench.connect('leaf', { live: true });
    expect(new Set(mailboxes.map(({ peer }) => peer)).size).toBe(LIMITS.mailboxesMax);
    leaf.send({ type: 'mailbox', tags: [tag(1)] });
    expect(leaf.got('mailbox-kept').map(({ tags }) => tags)).toEqual([[tag(1)]]);
    const [evicted, added] = bench.ops('mailbox');
    expect(evicted).toMatchObject({ peer: mailboxes[700]?.peer, tags: [] });
    expect(added).toMatchObject({ peer: toBase64url(leaf.key.publicKey), tags: [tag(1)] });
  });
});
