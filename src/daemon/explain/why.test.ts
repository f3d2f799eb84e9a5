/** What is told of a message: every place where it can be, and every reason. The core is scripted, the store is real. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../../core/bytes.ts';
import type { Explanation, Question } from '../../core/explain/explain.ts';
import type { VerifiedMessage } from '../../core/message/verified.ts';
import type { PeerSnapshot } from '../../core/peer-types.ts';
import type { PersistOp } from '../../core/persistence.ts';
import { sha256 } from '../../crypto/index.ts';
import { createMemoryStore } from '../../store/memory.ts';
import {
  createAuthor,
  NETWORK,
  PEER,
  published,
  putOff,
  received,
  signedMessage,
  tagOf,
  WALL_MS,
} from '../../store/testing/messages.ts';
import { SNAPSHOT } from '../testing/gate.ts';
import { whyView } from './why.ts';

const ann = createAuthor(1);
const LEAF = createAuthor(5).id;
const ISO = new Date(WALL_MS).toISOString();
const failing = (code: string, words: RegExp | string = '') =>
  expect.objectContaining({ code, detail: expect.stringMatching(words) });

const NOTHING: Explanation = {
  passed: undefined,
  came: undefined,
  refused: undefined,
  keeping: { isHeld: true, isJoined: true, floorMs: WALL_MS - 3_600_000, takes: true },
  fetching: { kind: 'not-yet', links: 0 },
  delivery: {
    ...{ keeper: undefined, underWay: undefined, unconfirmed: 0, pushes: 0, firstPushMs: 0 },
    ...{ takers: [], moreTakers: 0, stored: [] },
  },
  path: undefined,
};

function setUp(facts: Partial<Explanation> = {}, seen: Partial<PeerSnapshot> = {}) {
  const store = createMemoryStore({ network: NETWORK, sha256 });
  const questions: Question[] = [];
  const parts = {
    core: {
      explain: (question: Question) => {
        questions.push(question);
        return { ...NOTHING, ...facts };
      },
      recentIds: (prefix: string) => recent.filter((id) => id.startsWith(prefix)),
      snapshot: () => ({ ...SNAPSHOT, ...seen }),
    },
    store,
    clock: () => ({ monotonicMs: 0, wallMs: WALL_MS }),
    peer: PEER,
    agent: { why: () => ({ kind: 'no-agent' }) as const },
  };
  const recent: string[] = [];
  const apply = (...ops: readonly PersistOp[]) => void store.transact([ops]);
  return { store, questions, recent, apply, why: (text: string) => whyView(parts, text) };
}

function statementOf({ message: { idText: id, bytes, signature } }: VerifiedMessage) {
  return { id, bytes: toBase64url(bytes), signature: toBase64url(signature) };
}

describe('an id', () => {
  it('is found by its beginning, in the store and among what passed lately', () => {
    const { apply, why, recent } = setUp();
    const message = signedMessage(ann);
    apply(received(message));
    const { idText } = message.message;
    recent.push(idText);
    expect(why(idText.slice(0, 6)).id).toBe(idText);
    expect(why(idText).id).toBe(idText);
  });

  it('that several messages have in common is told with some of them', () => {
    const { apply, why, recent } = setUp();
    const message = signedMessage(ann);
    apply(received(message));
    const prefix = message.message.idText.slice(0, 6);
    recent.push(`${prefix}${'A'.repeat(37)}`);
    expect(() => why(prefix)).toThrow(failing('bad_request', new RegExp(`${prefix}AAAAAA`)));
  });

  it('that nothing is known of says what that can mean', () => {
    const { why } = setUp();
    expect(() => why('AAAAAA')).toThrow(failing('not_found', /knows no message AAAAAA.*retention/));
  });
});

describe('a message of somebody else', () => {
  const came = { peer: LEAF, root: PEER, atMs: WALL_MS - 1000 };

  it('that is held tells its arrival, where it came from, its channel and what the desk says', () => {
    const { apply, why, questions } = setUp({ came });
    const message = signedMessage(ann, { channel: 'dev', expiresMs: WALL_MS + 5000 });
    apply(received(message));
    expect(why(message.message.idText)).toMatchObject({
      now: ISO,
      message: { channel: 'dev', author: ann.id, expires: new Date(WALL_MS + 5000).toISOString() },
      own: false,
      here: { state: 'held', arrival: 1 },
      channel: { joined: true, held: true, since: new Date(WALL_MS - 3_600_000).toISOString() },
      came: { peer: LEAF, root: PEER, at: new Date(WALL_MS - 1000).toISOString() },
      delivery: null,
      agent: { kind: 'no-agent' },
    });
    expect(questions).toMatchObject([{ isOwn: false, stored: { channel: 'dev', author: ann.id } }]);
  });

  it('that is one of two after the same one comes with the proof, and so does every other of its author there', () => {
    const { apply, why } = setUp();
    const begin = signedMessage(ann, { channel: 'dev' });
    const fork = (body: string) => signedMessage(ann, { channel: 'dev', body, prev: begin.message.id });
    const [left, right] = [fork('left'), fork('right')];
    apply(received(begin), received(left));
    expect(why(left.message.idText).equivocation).toBeNull();
    apply(received(right));
    for (const { message } of [begin, left, right])
      expect(why(message.idText).equivocation).toEqual({
        first: statementOf(left),
        second: statementOf(right),
      });
  });

  it.each([
    [{ kind: 'asked' }, { fetching: 'asked', next: null, links: null }],
    [
      { kind: 'tried', againMs: WALL_MS },
      { fetching: 'tried', next: ISO, links: null },
    ],
    [
      { kind: 'not-yet', links: 2 },
      { fetching: 'not-yet', next: null, links: 2 },
    ],
  ] as const)('that was put off tells how far its fetching is: %j', (fetching, shown) => {
    const { apply, why } = setUp({ fetching });
    const message = signedMessage(ann);
    apply(putOff(message));
    const view = why(message.message.idText);
    expect(view.here).toEqual({ state: 'wanted', arrival: 1, ...shown });
    expect(view.agent).toBeNull();
  });

  it('whose content was dropped, or whose expiry has passed, says so', () => {
    const { apply, why } = setUp();
    const heavy = signedMessage(ann, { channel: 'big', body: 'x'.repeat(5000) });
    const over = signedMessage(ann, { expiresMs: WALL_MS - 1 });
    apply(received(heavy), received(over), { kind: 'drop', tag: tagOf('big'), keepBytes: 0, freeBytes: 1 });
    expect(why(heavy.message.idText).here).toEqual({ state: 'dropped', arrival: 1 });
    expect(why(over.message.idText).here).toEqual({ state: 'expired', arrival: 2 });
  });

  const time = { timeMs: WALL_MS, counter: 0 };
  const passed = { channel: 'other', author: ann.id, time, expiresMs: 0 };
  const keeping = { isHeld: true, isJoined: false, floorMs: 0, takes: false };
  it.each([
    ['not-held', { ...keeping, isHeld: false }],
    ['below-floor', { ...keeping, floorMs: WALL_MS + 1 }],
    ['no-room', keeping],
    ['not-yet', { ...keeping, takes: true }],
  ] as const)('that only passed tells why it was not kept: %s', (because, kept) => {
    const { why, recent } = setUp({ passed, keeping: kept });
    const id = 'A'.repeat(43);
    recent.push(id);
    expect(why(id)).toMatchObject({ here: { state: 'passed', because }, message: { channel: 'other' } });
  });

  it('that was refused tells the reason and who sent it, and nothing of what it was', () => {
    const refused = { peer: LEAF, root: '', atMs: WALL_MS, reason: 'forged' } as const;
    const { why, recent } = setUp({ refused, keeping: undefined });
    recent.push('A'.repeat(43));
    expect(why('AAAAAA')).toMatchObject({
      here: { state: 'refused', reason: 'forged', peer: LEAF, at: ISO },
      ...{ message: null, channel: null, path: null },
    });
  });

  it('that was passed on and superseded here says so', () => {
    const refused = { peer: LEAF, root: '', atMs: WALL_MS, reason: 'superseded' } as const;
    const { why, recent } = setUp({ passed, refused });
    recent.push('A'.repeat(43));
    expect(why('AAAAAA').here).toEqual({ state: 'refused', reason: 'superseded', peer: LEAF, at: ISO });
  });
});

describe('an own message', () => {
  const keeper = { peer: PEER, standing: 'dialled' } as const;
  const address = { peer: '', source: 'MESH_PEERS', nextMs: WALL_MS + 12_000, lastError: '' };

  function missing(facts: Partial<Explanation['delivery']>, seen: Partial<PeerSnapshot> = {}, expiresMs = 0) {
    const { apply, why } = setUp({ delivery: { ...NOTHING.delivery, ...facts } }, seen);
    const message = signedMessage(ann, { expiresMs });
    apply(published(message));
    return why(message.message.idText).delivery?.missing;
  }

  it('without a link waits for the address that is dialled first', () => {
    const addresses = [
      { ...address, url: 'ws://later/', state: 'waiting', nextMs: WALL_MS + 60_000 },
      { ...address, url: 'ws://soon/', state: 'waiting', lastError: 'ECONNREFUSED' },
      { ...address, url: 'ws://linked/', state: 'linked' },
    ] as const;
    expect(missing({}, { links: [], addresses })).toEqual({
      kind: 'no-link',
      next: {
        addresses: 2,
        url: 'ws://soon/',
        at: new Date(WALL_MS + 12_000).toISOString(),
        lastError: 'ECONNREFUSED',
      },
    });
    const dialling = { ...address, url: 'ws://now/', state: 'dialling' } as const;
    expect(missing({}, { links: [], addresses: [...addresses, dialling] })).toMatchObject({
      next: { addresses: 3, url: 'ws://now/', at: null },
    });
    expect(missing({}, { links: [], addresses: [] })).toEqual({
      kind: 'no-link',
      next: { addresses: 0, url: null, at: null, lastError: null },
    });
  });

  it('among leaves alone waits for a relay', () => {
    const links = Array.from({ length: 6 }, (_, i) => {
      return { ...SNAPSHOT.links[0], peer: createAuthor(i + 10).id, kind: 'leaf' };
    }) as unknown as PeerSnapshot['links'];
    expect(missing({}, { links, addresses: [] })).toMatchObject({
      kind: 'no-relay',
      leaves: links.slice(0, 4).map(({ peer }) => peer),
      moreLeaves: 2,
      next: { url: null },
    });
  });

  it('that the keeper has waits for its word, and one that it has not for its turn', () => {
    const underWay = { pushedMs: WALL_MS - 4000, againMs: WALL_MS + 6000 };
    expect(missing({ keeper, underWay, unconfirmed: 1 })).toEqual({
      kind: 'confirmation',
      keeper,
      pushed: new Date(WALL_MS - 4000).toISOString(),
      again: new Date(WALL_MS + 6000).toISOString(),
    });
    expect(missing({ keeper, unconfirmed: 512 })).toEqual({ kind: 'turn', keeper, unconfirmed: 512 });
  });

  it('that has expired waits for nothing', () => {
    const expiresMs = WALL_MS - 1;
    expect(missing({ keeper }, {}, expiresMs)).toEqual({
      kind: 'expired',
      at: new Date(expiresMs).toISOString(),
    });
  });

  it('that is stored names who said so, and how it counted as far as this run heard it', () => {
    const stored = [{ peer: PEER, atMs: WALL_MS, standing: 'dialled' }] as const;
    const { apply, why } = setUp({
      delivery: { ...NOTHING.delivery, stored, pushes: 2, firstPushMs: WALL_MS },
    });
    const message = signedMessage(ann);
    apply(published(message));
    const { idText } = message.message;
    for (const by of [PEER, LEAF]) apply({ kind: 'delivery', ids: [idText], state: 'stored', by });
    const { delivery, own, agent } = why(idText);
    expect([own, agent]).toEqual([true, null]);
    expect(delivery).toMatchObject({
      ...{ state: 'stored', attempts: 2, firstAttempt: ISO, missing: { kind: 'nothing' } },
      storedBy: [
        { peer: PEER, at: ISO, standing: 'dialled' },
        { peer: LEAF, at: null, standing: null },
      ],
    });
  });
});
