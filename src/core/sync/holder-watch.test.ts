/** What others have come to hold, and how little of it is looked at in a second. */
import { describe, expect, it, vi } from 'vitest';
import { LIMITS, SECOND } from '../limits.ts';
import { RelayMap } from '../membership/map.ts';
import { idOf } from '../membership/records.fixture.ts';
import { TagSet } from '../membership/tag-set.ts';
import { authorOf } from '../message/message.fixture.ts';
import { tagOf } from '../peer.fixture.ts';
import { Random } from '../random.ts';
import { HolderWatch } from './holder-watch.ts';
import { VisitSchedule } from './visit-schedule.ts';

const OWN = idOf(authorOf('own'));

/** A relay at rest with these channels, and `others` relays that are all linked with it. */
function world(channels: readonly string[], others: number) {
  const random = new Random(new Uint8Array(32).fill(7));
  const schedule = new VisitSchedule(random);
  const watch = new HolderWatch(random, schedule);
  const map = new RelayMap(OWN, [1, 2]);
  const peers = Array.from({ length: others }, (_, i) => idOf(authorOf(`other ${i}`)));
  const record = (peer: string, links: readonly string[]) =>
    map.setPeer({
      ...{ kind: 1, peer, sequence: 1, links: [...links], costs: links.map(() => 1) },
      ...{ urls: [], agent: '', leaves: 0 },
    } as unknown as Parameters<RelayMap['setPeer']>[0]);
  record(OWN, peers);
  for (const peer of peers) record(peer, [OWN]);
  const tags = channels.map(tagOf);
  const rest = (nowMs: number): void => {
    for (const tag of tags) schedule.compared(tag, '', nowMs);
  };
  schedule.keep(new Set(tags), 0);
  rest(10 * SECOND);
  return { map, schedule, watch, peers, tags, rest };
}

describe('what others hold', () => {
  it('stirs a channel when one of them comes to hold it, and not again while it keeps it', () => {
    const { map, schedule, watch, peers, tags, rest } = world(['dev', 'ops'], 3);
    const stirred = (): string[] => {
      watch.look(map, OWN);
      watch.tick(map, 20 * SECOND);
      return tags.filter((tag) => !schedule.canStir(tag));
    };
    expect(stirred()).toEqual([]);
    map.setTags(peers[0] as string, TagSet.of([tagOf('dev'), tagOf('music')]));
    expect(stirred()).toEqual([tagOf('dev')]);
    rest(30 * SECOND);
    map.setTags(peers[0] as string, TagSet.of([tagOf('dev')]).toFilter());
    expect(stirred()).toEqual([]);
    map.setTags(peers[1] as string, TagSet.of(['ops', ...Array.from('abcdefgh')].map(tagOf)).toFilter());
    expect(stirred()).toEqual([tagOf('ops')]);
    map.remove(peers[1] as string);
    expect(stirred()).toEqual([tagOf('ops')]);
  });

  it('is counted once for each channel, and not where it is to be compared soon anyway', () => {
    const channels = Array.from({ length: 100 }, (_, i) => `channel ${i}`);
    const { map, schedule, watch, peers, tags, rest } = world(channels, 200);
    for (const peer of peers) map.setTags(peer, TagSet.of(tags));
    const count = vi.spyOn(map, 'countHolders');
    expect(watch.look(map, OWN)).toBe(true);
    watch.tick(map, 20 * SECOND);
    expect(count).toHaveBeenCalledTimes(100);
    for (const tag of tags) watch.stir(tag);
    for (const peer of peers) map.setTags(peer, TagSet.of([...tags, tagOf('other')]));
    watch.look(map, OWN);
    watch.tick(map, 21 * SECOND);
    expect(count).toHaveBeenCalledTimes(100);
    rest(30 * SECOND + LIMITS.visitSoonMsMax);
    expect(tags.every((tag) => schedule.canStir(tag))).toBe(true);
  });

  it('is left to the next seconds where it is much, and none of it is forgotten', () => {
    const channels = Array.from({ length: 2000 }, (_, i) => `channel ${i}`);
    const { map, schedule, watch, peers, tags } = world(channels, 150);
    const foreign = Array.from({ length: 2000 }, (_, i) => tagOf(`foreign ${i}`));
    const [last] = peers.slice(-1) as [string];
    for (const peer of peers) map.setTags(peer, TagSet.of(peer === last ? tags : foreign));
    let looks = 1;
    while (!watch.look(map, OWN)) looks++;
    watch.tick(map, 20 * SECOND);
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThan(10);
    expect(tags.filter((tag) => schedule.canStir(tag))).toEqual([]);
  });

  it('is stirred a part at a time where many hold it', () => {
    const channels = Array.from({ length: 1000 }, (_, i) => `channel ${i}`);
    const { map, schedule, watch, peers, tags } = world(channels, 150);
    for (const peer of peers) map.setTags(peer, TagSet.of(tags));
    expect(watch.look(map, OWN)).toBe(true);
    watch.tick(map, 20 * SECOND);
    const left = tags.filter((tag) => schedule.canStir(tag)).length;
    expect(left).toBeGreaterThan(500);
    expect(left).toBeLessThan(600);
    watch.tick(map, 21 * SECOND);
    watch.tick(map, 22 * SECOND);
    expect(tags.filter((tag) => schedule.canStir(tag))).toEqual([]);
  });
});
