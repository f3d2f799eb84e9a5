/**
 * The contract of a store as an executable suite: the numbered facts of `core/persistence.ts`, the promises of
 * `store.ts`, and what happens at the edges. SQLite and the memory twin both pass it.
 */
import { describe } from 'vitest';
import { describeChains } from './acceptance-chains.ts';
import { describeChanges } from './acceptance-changes.ts';
import { describeDeletes } from './acceptance-deletes.ts';
import { describeFeeds } from './acceptance-feeds.ts';
import { describeHeaders } from './acceptance-headers.ts';
import { describeKnown } from './acceptance-known.ts';
import { describeMessages } from './acceptance-messages.ts';
import { describeRanges } from './acceptance-ranges.ts';
import { describeReads } from './acceptance-reads.ts';
import { describeRetention } from './acceptance-retention.ts';
import { describeScrub } from './acceptance-scrub.ts';
import { describeState } from './acceptance-state.ts';
import { describeSums } from './acceptance-sums.ts';
import type { OpenSubject } from './subject.ts';

/** @param open makes a fresh subject; whatever it leaves behind is removed by the caller's own hooks */
export function describeStore(name: string, open: OpenSubject): void {
  describe(name, () => {
    describe('messages', () => describeMessages(open));
    describe('reads', () => describeReads(open));
    describe('known', () => describeKnown(open));
    describe('headers', () => describeHeaders(open));
    describe('chains', () => describeChains(open));
    describe('deletes', () => describeDeletes(open));
    describe('changes', () => describeChanges(open));
    describe('feeds', () => describeFeeds(open));
    describe('retention', () => describeRetention(open));
    describe('state', () => describeState(open));
    describe('sums', () => describeSums(open));
    describe('ranges', () => describeRanges(open));
    describe('scrub', () => describeScrub(open));
  });
}
