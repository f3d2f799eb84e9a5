/**
 * A relay that takes part in everything and keeps nothing of what others say, as one whose disk is full. Its own
 * fingerprints show it, unlike those of the withholder, whose core has what it does not pass on: whoever compares with two
 * others besides finds it within minutes, and relies on it no more.
 *
 * A leaf sees it in heartbeats of the home relays that it dialled, a relay in those of neighbours that dialled it: two
 * places in `sync.ts`, and one test for each.
 */
import { describe, expect, it } from 'vitest';
import { LIMITS, MINUTE, SECOND } from '../../core/limits.ts';
import type { LinkSnapshot } from '../../core/peer-types.ts';
import type { PeerOptions } from '../peer-options.ts';
import { type Bad, createBad, finish } from '../testing/malice-world.ts';
import type { Malice } from './malice.ts';

/** Ten minutes of disagreement, the first of them not settled yet, and what heartbeats leave between. */
const FOUND_MS_MAX = 12 * MINUTE;

/** What the test has seen of reports and of confirmations. */
interface Seen {
  readonly atMs: number;
  readonly host: string;
  readonly what: string;
  readonly peer: unknown;
}

const RELAYS = ['R1', 'R2', 'R3', 'R4'];
const leaf = { joined: ['dev'], isReachable: false };

/** Hears no message of others, pushed or fetched. */
const deaf = (): Malice => ({
  hears: (_, frame, hand) => {
    if (frame.type !== 'push' && frame.type !== 'fetched') return frame;
    hand.did('kept nothing of messages', frame.messages.length);
    return undefined;
  },
});

function play(peers: Readonly<Record<string, PeerOptions>>, fixed: readonly string[]) {
  const bad = createBad({ kind: 'withholder', create: deaf, peers, bad: { fixed } });
  const { world } = bad;
  const seen: Seen[] = [];
  world.network.observers.push({
    effect: ({ name: host }, effect) => {
      if (effect.kind === 'report')
        seen.push({ atMs: world.nowMs, host, what: effect.phrase, peer: effect.data.peer });
      if (effect.kind === 'delivery' && effect.state === 'stored')
        seen.push({ atMs: world.nowMs, host, what: 'stored', peer: effect.by });
    },
  });
  const bads = (host: string, what: string): Seen[] =>
    seen.filter((one) => one.host === host && one.what === what && one.peer === world.host('M').peerId);
  return { ...bad, seen, bads };
}

/** Writes twice a minute until a host has found M. @returns how long that took, ms */
function writeUntilFound({ world, bads }: ReturnType<typeof play>, finder: string, writer: string): number {
  const beginMs = world.nowMs;
  const isFound = () => bads(finder, 'a neighbour lacks what others have').length > 0;
  while (!isFound() && world.nowMs - beginMs < FOUND_MS_MAX) {
    world.publish(writer, 'dev', `at ${world.nowMs}`);
    world.run(30 * SECOND);
  }
  expect(isFound(), `${finder} has found M within 12 minutes`).toBe(true);
  return world.nowMs - beginMs;
}

function linkToBad({ world }: Bad, name: string): LinkSnapshot | undefined {
  return world.snapshot(name)?.links.find(({ peer }) => peer === world.host('M').peerId);
}

/** Whether M and two other relays dialled it: it is the one that compares with them. */
function isDialledByAll(bad: Bad, name: string): boolean {
  const links = bad.world.snapshot(name)?.links ?? [];
  const dialledIn = links.filter(({ kind, direction }) => kind === 'overlay' && direction === 'in');
  return dialledIn.length > 2 && linkToBad(bad, name)?.direction === 'in';
}

describe('a relay that keeps nothing', () => {
  it('is found by a leaf that lives on it, which lives on another one from then on', () => {
    const played = play(
      {
        A: { ...leaf, fixed: ['M', 'R1', 'R2'] },
        R1: { fixed: ['R2'] },
        R2: { fixed: ['R1'] },
        B: { ...leaf, fixed: ['R1', 'R2'] },
      },
      ['R1', 'R2'],
    );
    const { world, verdict, delays, bads } = played;
    expect(linkToBad(played, 'A')).toMatchObject({ kind: 'home-live', direction: 'out' });
    expect(writeUntilFound(played, 'A', 'B')).toBeGreaterThanOrEqual(LIMITS.disagreementMs);
    expect(bads('A', 'a home relay is not relied on')).toHaveLength(1);
    expect(linkToBad(played, 'A')).toMatchObject({ kind: 'home-standby', agreement: 'differs' });
    expect(verdict().deeds['kept nothing of messages']).toBeGreaterThan(10);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    finish(world);
    expect(delays.length).toBeGreaterThanOrEqual(20);
    expect(Math.max(...delays)).toBeLessThan(5 * SECOND);
  });

  it('is found by a relay that it dialled, whose own messages others keep', () => {
    const relay = { fixed: RELAYS, joined: ['dev'] };
    const played = play(
      {
        ...Object.fromEntries(RELAYS.map((name) => [name, relay])),
        B: { ...leaf, fixed: RELAYS },
        // Who is dialled is a relay.
        C: { fixed: ['M'], isReachable: false },
      },
      RELAYS,
    );
    const { world, verdict, delays, bads, seen } = played;
    const finder = RELAYS.find((name) => isDialledByAll(played, name)) as string;
    expect(finder, 'a relay that M and two others dialled').toBeDefined();
    expect(writeUntilFound(played, finder, 'B')).toBeGreaterThanOrEqual(LIMITS.disagreementMs);
    expect(linkToBad(played, finder)).toMatchObject({ kind: 'overlay', agreement: 'differs' });
    const askedMs = world.nowMs;
    world.publish(finder, 'dev', 'kept elsewhere');
    world.run(LIMITS.outboxRetryMs / 2);
    const isKept = ({ host, what, atMs }: Seen) => host === finder && what === 'stored' && atMs > askedMs;
    expect(seen.filter(isKept)).toHaveLength(1);
    expect(bads(finder, 'a keeper confirms nothing')).toEqual([]);
    expect(verdict()).toMatchObject({ offences: 0, bannedBy: [] });
    finish(world);
    expect(delays.length).toBeGreaterThanOrEqual(20);
    expect(Math.max(...delays)).toBeLessThan(5 * SECOND);
  });
});
