/** Quotas of mailboxes: newcomers get little, and never what others have. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { DAY, HOUR, LIMITS, MINUTE } from '../limits.ts';
import { authorOf } from '../message/message.fixture.ts';
import { Bench, EPOCH_MS } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';

const tag = (n: number): string => toBase64url(Uint8Array.of(0, 0, 0, 0, 0, 0, n >> 8, n & 255));
const tags = (count: number): string[] => Array.from({ length: count }, (_, n) => tag(n));
const peer = (n: number): string =>
  toBase64url(
    new Uint8Array(32)
      .fill(7)
      .fill(n >> 8, 0, 1)
      .fill(n & 255, 1, 2),
  );
const ESTABLISHED = LIMITS.mailboxEstablishedMs;

/** Mailboxes of peers that are away; the first of them has been away longest. */
function boxes(count: number, from: number, owner: { linkedMs: number; group: string }) {
  return Array.from({ length: count }, (_, n) => {
    return { peer: peer(from + n), tags: [tag(from + n)], untilMs: EPOCH_MS + DAY + n, ...owner };
  });
}

/** How many tags each answer said are kept. */
const kept = (remote: Remote): number[] => remote.got('mailbox-kept').map((frame) => frame.tags.length);
const gone = (bench: Bench): string[] =>
  bench
    .ops('mailbox')
    .filter((op) => op.tags.length === 0)
    .map((op) => op.peer);

describe('the quota of a mailbox', () => {
  it('is small for an hour of link time in all, also in parts and over a restart, then the full one', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { live: true });
    leaf.send({ type: 'mailbox', tags: tags(300) });
    bench.run(40 * MINUTE);
    expect(kept(leaf)).toEqual([LIMITS.mailboxTagsMax]);
    leaf.hangUp();
    bench.run(2 * HOUR);
    const noted = bench.ops('mailbox').at(-1);
    expect(noted?.linkedMs).toBe(30 * MINUTE);
    const { kind: _, ...box } = noted as NonNullable<typeof noted>;
    const again = new Bench({ state: { mailboxes: [box] } });
    const back = again.connect('leaf', { live: true });
    expect(back.id).toBe(box.peer);
    back.send({ type: 'mailbox', tags: tags(300) });
    again.run(25 * MINUTE);
    expect(kept(back)).toEqual([LIMITS.mailboxTagsMax]);
    again.run(10 * MINUTE);
    expect(kept(back)).toEqual([LIMITS.mailboxTagsMax, 300]);
    back.send({ type: 'mailbox', tags: tags(1500) });
    expect(kept(back).at(-1)).toBe(LIMITS.mailboxTagsFullMax);
  });

  it('lets one address group have 64 mailboxes of newcomers: the one that was away longest gives way', () => {
    const mailboxes = boxes(LIMITS.mailboxesOfGroupMax, 0, { linkedMs: ESTABLISHED - 1, group: '10.1' });
    const bench = new Bench({ state: { mailboxes } });
    const other = bench.connect('other', { live: true, host: '10.2.0.1' });
    other.send({ type: 'mailbox', tags: [tag(1)] });
    expect([kept(other), gone(bench)]).toEqual([[1], []]);
    const same = bench.connect('same', { live: true, host: '10.1.9.9' });
    same.send({ type: 'mailbox', tags: [tag(1)] });
    expect([kept(same), gone(bench)]).toEqual([[1], [peer(0)]]);
  });

  it('keeps the mailboxes of established peers, whoever asks from however many groups', () => {
    const old = boxes(LIMITS.mailboxesMax - 1, 0, { linkedMs: ESTABLISHED, group: '10.1' });
    const fresh = boxes(1, 5000, { linkedMs: 0, group: '10.2' });
    const bench = new Bench({ state: { mailboxes: [...old, ...fresh] } });
    const crowd = [1, 2, 3].map((n) => bench.connect(`crowd ${n}`, { live: true, host: `10.${n}.0.1` }));
    for (const one of crowd) one.send({ type: 'mailbox', tags: tags(64) });
    // The first took the place of the newcomer who is away; it is linked, so the others get none.
    expect(crowd.map(kept)).toEqual([[64], [0], [0]]);
    expect(gone(bench)).toEqual([peer(5000)]);
    expect(bench.peer.footprint().mailboxes?.size).toBe(LIMITS.mailboxesMax);
  });

  it('is the full one at once for whom the operator names, and its content is not that of a newcomer', () => {
    const id = toBase64url(authorOf('named').publicKey);
    const mailboxes = boxes(LIMITS.mailboxesOfGroupMax, 0, { linkedMs: 0, group: '10.1' });
    const bench = new Bench({ state: { mailboxes }, config: { known: new Set([id]) } });
    const named = bench.connect('named', { live: true, host: '10.1.0.1' });
    named.send({ type: 'mailbox', tags: tags(300) });
    expect([kept(named), gone(bench)]).toEqual([[300], []]);
    const other = bench.connect('other', { live: true, host: '10.1.0.2' });
    other.send({ type: 'mailbox', tags: tags(300) });
    expect([kept(other), gone(bench)]).toEqual([[LIMITS.mailboxTagsMax], [peer(0)]]);
  });

  it('holds for those who ask at the same time', () => {
    const mailboxes = boxes(LIMITS.mailboxesMax - 1, 0, { linkedMs: ESTABLISHED, group: '10.1' });
    const bench = new Bench({ state: { mailboxes } });
    const two = [1, 2].map((n) => bench.connect(`one ${n}`, { live: true, host: `10.${n}.0.1` }));
    bench.hold('persist');
    for (const one of two) one.send({ type: 'mailbox', tags: [tag(1)] });
    bench.release('persist');
    expect(two.map(kept)).toEqual([[1], [0]]);
    expect(bench.peer.footprint().mailboxes?.size).toBe(LIMITS.mailboxesMax);
    expect(gone(bench)).toEqual([two[1]?.id]);
  });
});

describe('who may leave a mailbox', () => {
  it('is a leaf at its home relay: others are told that nothing is kept, and nothing is held against them', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { live: true });
    const relay = bench.connect('relay', { relay: true });
    relay.send({ type: 'mailbox', tags: tags(3) });
    expect(kept(relay)).toEqual([0]);
    const own = new Bench();
    const home = own.connect('home', { role: 'responder', relay: true });
    home.send({ type: 'mailbox', tags: tags(3) });
    expect(kept(home)).toEqual([0]);
    for (const one of [bench, own]) {
      expect(one.ops('mailbox')).toEqual([]);
      expect(one.reports('offence')).toEqual([]);
    }
    leaf.send({ type: 'mailbox', tags: tags(3) });
    expect(kept(leaf)).toEqual([3]);
  });

  it('and who has become a relay since then keeps it no longer than others who are away', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { live: true });
    leaf.send({ type: 'mailbox', tags: tags(3) });
    leaf.send({ type: 'role', relay: true, live: false });
    bench.run(3 * HOUR);
    expect(bench.ops('mailbox')).toHaveLength(1);
    expect(bench.peer.footprint().mailboxes?.size).toBe(1);
    for (bench.wallOffsetMs = DAY; bench.wallOffsetMs <= LIMITS.mailboxMs; bench.wallOffsetMs += DAY)
      bench.run(2 * MINUTE);
    expect(bench.peer.footprint().mailboxes?.size).toBe(0);
  });
});
