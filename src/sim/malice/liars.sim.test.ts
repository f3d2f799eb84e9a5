/** Peers that say what is not so, and what comes of it. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import { LIMITS } from '../../core/limits.ts';
import { createBad, finish, talk } from '../testing/malice-world.ts';
import { equivocator } from './equivocator.ts';
import { floorLiar } from './floor-liar.ts';
import { interestLiar } from './interest-liar.ts';
import { linkLiar } from './link-liar.ts';
import { recordLiar } from './record-liar.ts';
import { sumLiar } from './sum-liar.ts';

/** Nobody is delayed, nobody is punished. */
function expectCalm({ verdict, delays }: ReturnType<typeof createBad>): void {
  expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
  expect(Math.max(...delays)).toBeLessThan(1000);
}

describe('a liar about interest', () => {
  it.each(['everything', 'nothing', 'both in turn'] as const)(
    'that lists %s changes what it gets itself and nothing else',
    (lists) => {
      const bad = createBad({
        kind: 'interest-liar',
        create: (hand) => interestLiar(hand, { lists, invented: 200, told: 200, everySeconds: 1 }),
      });
      talk(bad.world, 30);
      const atM = bad.world.host('M').store.readPage({ channel: 'dev', limit: 100, wallMs: 0 });
      if (lists === 'nothing') expect(atM.length).toBeLessThan(10);
      const tags = bad.world.host('R1').core?.footprint?.().tagsOfOneLink?.size;
      expect(tags).toBeLessThanOrEqual(LIMITS.tagsMax);
      finish(bad.world);
      expectCalm(bad);
    },
  );
});

describe('a liar in its records', () => {
  it.each([
    ['filters', 1],
    ['changes', 1 / 3],
    ['deltas', 1],
  ] as const)('(%s) delays and bans nobody, and is passed on at the pace of others', (lies, perSecond) => {
    const bad = createBad({ kind: 'record-liar', create: (hand) => recordLiar(hand, { lies }) });
    bad.world.run(60_000);
    const passedOn = (): number => bad.world.host('R1').traffic.framesByNumber[12] ?? 0;
    const before = passedOn();
    talk(bad.world, 30);
    bad.world.run(60_000);
    const links = bad.world.snapshot('R1')?.links.length ?? 0;
    expect(passedOn() - before).toBeLessThan(links * 100 * perSecond);
    expect(bad.verdict().deeds[`signed records of itself: ${lies}`]).toBeGreaterThan(5);
    finish(bad.world);
    expectCalm(bad);
  });
});

describe('an author with two histories', () => {
  it('is found by everybody who holds the channel, with a proof, and punished by nobody', () => {
    const bad = createBad({
      kind: 'equivocator',
      create: (hand) => equivocator(hand, { everySeconds: 2, most: 3 }),
    });
    talk(bad.world, 20);
    finish(bad.world);
    expect(bad.verdict()).toMatchObject({ deeds: { 'told two stories': 3 }, offences: 0, bannedBy: [] });
    const honest = bad.world.honest().filter(({ core }) => core?.holds?.('dev') === true);
    expect(honest.length).toBe(4);
    const author = bad.world.host('M').identity;
    for (const { store } of honest) {
      const rows = store.readPage({ channel: 'dev', limit: 200, wallMs: 0 });
      const told = rows.filter(({ message }) => toBase64url(message.message.author) === author);
      expect(told.map(({ equivocates }) => equivocates)).toEqual(Array.from({ length: 9 }, () => true));
      expect(rows.filter(({ equivocates }) => equivocates)).toHaveLength(9);
      const proof = store.equivocation('dev', author);
      const bodies = [proof?.first.id, proof?.second.id].map(
        (id) => store.readMessage(id ?? '')?.message.message.body,
      );
      expect(bodies.sort()).toEqual([expect.stringMatching(/he died$/), expect.stringMatching(/he lived$/)]);
    }
  });
});

describe('a liar about links', () => {
  it('moves no message: an edge that one end does not list is none', () => {
    const bad = createBad({ kind: 'link-liar', create: linkLiar });
    talk(bad.world, 30);
    expect(bad.verdict().deeds['signed a record about links that it does not have']).toBeGreaterThan(20);
    finish(bad.world);
    expectCalm(bad);
  });
});

describe('a liar about floors', () => {
  it.each(['zero', 'tomorrow', 'changing'] as const)(
    '(%s) keeps nobody from comparing with others',
    (floor) => {
      const bad = createBad({ kind: 'floor-liar', create: (hand) => floorLiar(hand, { floor }) });
      talk(bad.world, 20);
      const floors = [...(bad.world.snapshot('R1')?.floors.values() ?? [])];
      const hour = Math.floor(bad.world.wallMs(bad.world.host('R1')) / 3_600_000);
      expect(floors.length).toBeGreaterThan(0);
      expect(Math.max(...floors)).toBeLessThan(hour);
      expect(Math.min(...floors)).toBeGreaterThan(hour - 24 * 91);
      bad.world.crash('B');
      talk(bad.world, 5);
      bad.world.start('B');
      finish(bad.world);
      expect(bad.verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    },
  );
});

describe('a liar about sums', () => {
  it.each(['always the same', 'always another'] as const)(
    'that shows %s costs a bounded number of comparisons, and keeps nobody from comparing with others',
    (shows) => {
      const bad = createBad({ kind: 'sum-liar', create: (hand) => sumLiar(hand, { shows }) });
      talk(bad.world, 20);
      const before = bad.world.host('R1').traffic.framesByNumber[19] ?? 0;
      bad.world.run(600_000);
      const sums = (bad.world.host('R1').traffic.framesByNumber[19] ?? 0) - before;
      // One for each heartbeat of M at the most; those of honest neighbours are equal.
      expect(sums).toBeLessThan(160);
      finish(bad.world);
      expectCalm(bad);
    },
  );
});
