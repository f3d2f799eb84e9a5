/** A channel is kept as far back as leaves keep it. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { DAY, HOUR, LIMITS } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench, EPOCH_MS } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

const tag = (n: number): string => toBase64url(Uint8Array.of(0, 0, 0, 0, 0, 0, n >> 8, n & 255));
const tags = (count: number): string[] => Array.from({ length: count }, (_, n) => tag(n));
const told = (remote: Remote) => remote.got('holds').flatMap(({ set }) => set);
const floor = (ageMs: number) => Math.ceil((EPOCH_MS - ageMs) / HOUR);

/** @param known peers that are no newcomers */
function relayBench(known: readonly string[] = []): { bench: Bench; leaf: Remote } {
  const ids = known.map((name) => toBase64url(authorOf(name).publicKey));
  const bench = new Bench({ config: { known: new Set(ids) } });
  const leaf = bench.connect('leaf', { live: true });
  bench.run(2000);
  leaf.clear();
  return { bench, leaf };
}

describe('a channel that a leaf keeps', () => {
  const daysAgo = (days: number) => floor(days * DAY);
  const tells = (leaf: Remote, floorHour: number) =>
    leaf.send({ type: 'holds', reset: false, set: [{ tag: tag(1), floorHour }], unset: [] });
  const lastTold = (remote: Remote) => told(remote).at(-1)?.floorHour;

  it('is kept as far back as the leaf keeps it, and not further than a joined one', () => {
    const { bench, leaf } = relayBench();
    tells(leaf, daysAgo(3));
    bench.run(1000);
    expect(lastTold(leaf)).toBe(floor(LIMITS.carriedMs));
    tells(leaf, daysAgo(30));
    bench.run(1000);
    expect(lastTold(leaf)).toBe(daysAgo(30));
    tells(leaf, daysAgo(365));
    bench.run(1000);
    expect(lastTold(leaf)).toBe(floor(LIMITS.joinedMs));
  });

  it('is kept as far back as any where the leaf keeps it for ever', () => {
    const { bench, leaf } = relayBench();
    tells(leaf, daysAgo(30));
    bench.run(1000);
    tells(leaf, 0);
    bench.run(1000);
    expect(lastTold(leaf)).toBe(floor(LIMITS.joinedMs));
    expect(bench.ops('leaf-floor').at(-1)?.hour).toBeGreaterThan(0);
  });

  it('stays so while it is held in the mailbox, and is as any other once nobody wants it', () => {
    const { bench, leaf } = relayBench();
    leaf.send({ type: 'mailbox', tags: [tag(1)] });
    tells(leaf, daysAgo(30));
    leaf.hangUp();
    bench.run(2 * 60_000);
    const other = bench.connect('other', { live: true });
    tells(other, daysAgo(1));
    bench.run(1000);
    expect(lastTold(other)).toBe(daysAgo(30));
    other.send({ type: 'holds', reset: false, set: [], unset: [tag(1)] });
    const back = bench.connect('leaf', { live: true });
    back.send({ type: 'mailbox', tags: [] });
    bench.run(2 * 60_000);
    tells(back, daysAgo(1));
    bench.run(1000);
    expect(lastTold(back)).toBe(floor(LIMITS.carriedMs));
  });

  it('stays so over a restart, before the leaf is back, until nobody holds it', () => {
    const { bench, leaf } = relayBench();
    leaf.send({ type: 'mailbox', tags: [tag(1)] });
    tells(leaf, daysAgo(20));
    tells(leaf, daysAgo(30));
    bench.failPersists = 5;
    bench.run(8000);
    tells(leaf, daysAgo(25));
    bench.run(2000);
    const noted = bench.ops('leaf-floor');
    expect(noted.length).toBeGreaterThan(1);
    expect(noted).toEqual(noted.map(() => ({ kind: 'leaf-floor', tag: tag(1), hour: daysAgo(30) })));
    const mailboxes = bench.ops('mailbox');
    const again = new Bench({ state: { mailboxes, leafFloors: noted.slice(-1) } });
    expect(again.peer.snapshot(again.now).floors.get(tag(1))).toBe(daysAgo(30));
    const back = again.connect('leaf', { live: true });
    back.send({ type: 'mailbox', tags: [] });
    again.run(2 * 60_000);
    expect(again.ops('leaf-floor')).toEqual([{ kind: 'leaf-floor', tag: tag(1), hour: 0 }]);
  });

  it('is written down with others, some at a time', () => {
    const { bench, leaf } = relayBench(['leaf']);
    const set = tags(LIMITS.leafFloorsNoted + 1).map((one) => ({ tag: one, floorHour: daysAgo(30) }));
    leaf.send({ type: 'holds', reset: false, set, unset: [] });
    bench.run(3000);
    const sizes = bench
      .of('persist')
      .map(({ ops }) => ops.filter(({ kind }) => kind === 'leaf-floor').length);
    expect(sizes.filter((size) => size > 0)).toEqual([LIMITS.leafFloorsNoted, 1]);
  });

  it('is one of the first that a newcomer tells; of others all count, once they are none', () => {
    const { bench, leaf } = relayBench();
    leaf.send({ type: 'mailbox', tags: [tag(1)] });
    const many = tags(LIMITS.mailboxTagsMax + 1);
    const set = many.map((one) => ({ tag: one, floorHour: 1 }));
    leaf.send({ type: 'holds', reset: false, set, unset: [] });
    const floors = () => many.map((one) => bench.peer.snapshot(bench.now).floors.get(one));
    const [deep, usual] = [floor(LIMITS.joinedMs), floor(LIMITS.carriedMs)];
    expect(floors()).toEqual(many.map((_, n) => (n < LIMITS.mailboxTagsMax ? deep : usual)));
    bench.run(LIMITS.mailboxEstablishedMs + 60_000);
    expect(new Set(floors().map((hour) => (hour ?? 0) - 1))).toEqual(new Set([deep]));
  });

  it('takes the place of one that only newcomers want where there is no more, and never that of another', () => {
    const all = tags(LIMITS.leafFloorsMax);
    const size = LIMITS.mailboxTagsFullMax;
    const boxes = Array.from({ length: all.length / size }, (_, n) => ({
      ...{ peer: toBase64url(authorOf(`owner ${n}`).publicKey), tags: all.slice(n * size, (n + 1) * size) },
      ...{ untilMs: EPOCH_MS + DAY, linkedMs: LIMITS.mailboxEstablishedMs, group: '10.9' },
    }));
    // The very first is that of a newcomer.
    const fresh = {
      ...boxes[0],
      peer: toBase64url(authorOf('fresh').publicKey),
      tags: all.slice(0, 1),
      linkedMs: 0,
    };
    const mailboxes = [
      ...boxes.map((box, n) => (n === 0 ? { ...box, tags: box.tags.slice(1) } : box)),
      fresh,
    ];
    const leafFloors = all.map((one) => ({ tag: one, hour: daysAgo(30) }));
    const known = new Set([toBase64url(authorOf('leaf').publicKey)]);
    const bench = new Bench({
      config: { known },
      state: { mailboxes: mailboxes as typeof boxes, leafFloors },
    });
    const deep = () => [...bench.peer.snapshot(bench.now).floors].filter(([, hour]) => hour === daysAgo(30));
    const last = tag(LIMITS.leafFloorsMax + 9);
    const newcomer = bench.connect('newcomer', { live: true });
    newcomer.send({ type: 'holds', reset: false, set: [{ tag: last, floorHour: daysAgo(30) }], unset: [] });
    bench.run(1000);
    expect(deep().map(([one]) => one)).toEqual(expect.arrayContaining([tag(0), tag(1)]));
    expect(deep()).toHaveLength(all.length);
    const leaf = bench.connect('leaf', { live: true });
    tells(leaf, daysAgo(1));
    const more = [last, tag(LIMITS.leafFloorsMax + 8)];
    const set = more.map((one) => ({ tag: one, floorHour: daysAgo(30) }));
    leaf.send({ type: 'holds', reset: false, set, unset: [] });
    bench.run(1000);
    const now = new Set(deep().map(([one]) => one));
    expect([now.size, now.has(last), now.has(more[1] as string)]).toEqual([all.length, true, false]);
    expect(all.filter((one) => !now.has(one))).toEqual([tag(0)]);
  });

  it('does not follow what another relay or a visit keeps', () => {
    const { bench, leaf } = relayBench();
    tells(leaf, daysAgo(1));
    const relay = bench.connect('relay', { relay: true });
    tells(relay, daysAgo(30));
    bench.run(1000);
    expect(lastTold(leaf)).toBe(floor(LIMITS.carriedMs));
  });
});
