/** What a peer says of one message, with remote ends played by the test. */
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../bytes.ts';
import { NO_RATES } from '../defaults.ts';
import { LIMITS, MINUTE } from '../limits.ts';
import { shortId } from '../link/links.ts';
import { idOf, interestRecord, peerRecord, sendRecords } from '../membership/records.fixture.ts';
import { authorOf, openclaw } from '../message/message.fixture.ts';
import { buildMessage, type Message } from '../message/message.ts';
import { Bench, EPOCH_MS, tagOf } from '../peer.fixture.ts';
import type { Remote } from '../remote.fixture.ts';
import type { Explanation, MessageHead } from './explain.ts';
import type { Path } from './path.ts';

const TAG = tagOf('dev');

function headOf(message: Message): MessageHead {
  const { channel, author, time, expiresMs } = message;
  return { channel, author: toBase64url(author), time, expiresMs };
}

const DEV: MessageHead = {
  channel: 'dev',
  author: idOf(authorOf('somebody')),
  time: { timeMs: EPOCH_MS, counter: 0 },
  expiresMs: 0,
};

/** Publishes a message and asks about it. */
function publish(bench: Bench): string {
  const request = bench.publish('hello');
  bench.run(10);
  const reply = bench.reply(request);
  return reply?.kind === 'published' ? reply.id : '';
}

function ask(bench: Bench, id: string, stored: MessageHead | null = DEV, isOwn = true): Explanation {
  return bench.peer.explain({ id, stored: stored ?? undefined, isOwn }, bench.now);
}

function relayPath(path: Path | undefined): Extract<Path, { kind: 'relay' }> {
  if (path?.kind !== 'relay') throw new Error('not the path of a relay');
  return path;
}

function confirm(remote: Remote): void {
  const ids = remote.got('push').flatMap(({ messages }) => messages.map(({ id }) => id));
  remote.send({ type: 'stored', ids });
}

describe('an own message', () => {
  it('without a link has no keeper, and was tried with nobody', () => {
    const bench = new Bench();
    expect(ask(bench, publish(bench)).delivery).toEqual({
      ...{ keeper: undefined, underWay: undefined, unconfirmed: 0, pushes: 0, firstPushMs: 0 },
      ...{ takers: [], moreTakers: 0, stored: [] },
    });
  });

  it('waits for the home relay that has it, and tells when it is sent again', () => {
    const bench = new Bench();
    const home = bench.connect('home', { role: 'responder', relay: true });
    const pushedMs = bench.now.wallMs;
    const id = publish(bench);
    const { delivery } = ask(bench, id);
    expect(delivery).toMatchObject({
      keeper: { peer: home.id, standing: 'home' },
      underWay: { pushedMs, againMs: pushedMs + LIMITS.outboxRetryMs },
      ...{ unconfirmed: 1, pushes: 1, firstPushMs: pushedMs },
      takers: [{ peer: home.id, atMs: pushedMs }],
      stored: [],
    });
    confirm(home);
    expect(ask(bench, id).delivery).toMatchObject({
      ...{ underWay: undefined, unconfirmed: 0 },
      stored: [{ peer: home.id, standing: 'home', atMs: bench.now.wallMs }],
    });
  });

  it('of a relay is kept by another relay: one that it dialled before one that dialled it, and by no leaf', () => {
    const bench = new Bench();
    bench.connect('leaf', { relay: false });
    const keeperOf = () => ask(bench, 'x').delivery.keeper;
    expect(keeperOf()).toBeUndefined();
    const dialledIn = bench.connect('in', { relay: true });
    expect(keeperOf()).toEqual({ peer: dialledIn.id, standing: 'dialled-in' });
    const dialled = bench.connect('out', { role: 'responder', relay: true });
    expect(keeperOf()).toEqual({ peer: dialled.id, standing: 'dialled' });
  });

  it('counts each link that takes it once, and how many there are beyond those that are named', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const most = LIMITS.journeyTakersMax;
    for (let i = 0; i < most + 3; i++) {
      const leaf = bench.connect(`leaf ${i}`, { relay: false, live: true });
      leaf.send({ type: 'holds', reset: false, set: [{ tag: TAG, floorHour: 0 }], unset: [] });
    }
    bench.run(1000);
    const id = publish(bench);
    const { takers, moreTakers } = ask(bench, id).delivery;
    expect([takers.length, new Set(takers.map(({ peer }) => peer)).size, moreTakers]).toEqual([
      most,
      most,
      3,
    ]);
  });
});

describe('a message of somebody else', () => {
  it('tells the link that brought it first, and the relay that it began at', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const [one, other] = ['one', 'other'].map((name) => bench.connect(name, { relay: false })) as [
      Remote,
      Remote,
    ];
    const message = bench.message('hi');
    const push = { type: 'push', root: '', keep: true, messages: [message] } as const;
    one.send(push);
    const atMs = bench.now.wallMs;
    bench.run(500);
    other.send(push);
    const { came, refused, keeping } = ask(bench, message.idText, headOf(message), false);
    expect(came).toEqual({ peer: one.id, root: bench.peerId, atMs });
    expect(refused).toBeUndefined();
    expect(keeping).toMatchObject({ isHeld: true, isJoined: true, takes: true });
  });

  it('that passed is known for two minutes without the store, and where it is not kept', () => {
    const bench = new Bench();
    const leaf = bench.connect('leaf', { relay: false });
    const message = bench.message('transit', { channel: 'other' });
    leaf.send({ type: 'push', root: '', keep: false, messages: [message] });
    const { passed, keeping } = ask(bench, message.idText, null, false);
    expect(passed).toEqual(headOf(message));
    expect(keeping).toMatchObject({ isHeld: false, isJoined: false, takes: false });
    expect(bench.peer.recentIds(message.idText.slice(0, 6), 9)).toEqual([message.idText]);
    bench.run(2 * MINUTE + 2000);
    expect(ask(bench, message.idText, null, false)).toMatchObject({
      passed: undefined,
      path: undefined,
    });
    expect(bench.peer.recentIds(message.idText.slice(0, 6), 9)).toEqual([]);
  });

  it.each([
    ['future', { time: { timeMs: EPOCH_MS + 60 * MINUTE, counter: 0 } }],
    ['expired', { expiresMs: EPOCH_MS - 1 }],
    ['write-rule', { channel: `@${idOf(authorOf('another'))}` }],
  ] as const)('that was refused says so: %s', (reason, fields) => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const remote = bench.connect('remote', { relay: false });
    const message = bench.message('no', fields);
    remote.send({ type: 'push', root: '', keep: true, messages: [message] });
    expect(ask(bench, message.idText, null, false).refused).toMatchObject({ reason, peer: remote.id });
    expect(bench.peer.recentIds(message.idText, 2)).toEqual([message.idText]);
  });

  it('whose signature is wrong says who sent it, and a genuine copy is taken all the same', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const [liar, honest] = ['liar', 'honest'].map((name) => bench.connect(name, { relay: false })) as [
      Remote,
      Remote,
    ];
    const message = bench.message('hi');
    const { bytes, body, payload } = message;
    const junk = buildMessage(openclaw, { bytes, body, payload, signature: new Uint8Array(64) });
    liar.send({ type: 'push', root: '', keep: true, messages: [junk] });
    expect(ask(bench, message.idText, null, false).refused).toMatchObject({
      reason: 'forged',
      peer: liar.id,
    });
    honest.send({ type: 'push', root: '', keep: true, messages: [message] });
    expect(ask(bench, message.idText, null, false).came).toMatchObject({ peer: honest.id });
  });

  it('that was put off waits for a link with the channel, then for the answer, then for the next try', () => {
    const config = { rates: { ...NO_RATES, authorPerSecond: 1, commonPerSecond: 1 } };
    const bench = new Bench({ config, state: { joined: ['dev'] } });
    const remote = bench.connect('remote', { relay: false });
    const loud = Array.from({ length: LIMITS.authorBurst + LIMITS.commonBurst + 1 }, (_, i) =>
      bench.message(`${i}`),
    );
    for (let at = 0; at < loud.length; at += 200)
      remote.send({ type: 'push', root: '', keep: true, messages: loud.slice(at, at + 200) });
    const last = loud.at(-1) as Message;
    const asked = ask(bench, last.idText, headOf(last), false);
    expect(asked.refused).toMatchObject({ reason: 'over-rate' });
    expect(asked.fetching).toEqual({ kind: 'not-yet', links: 0 });
    remote.send({ type: 'holds', reset: false, set: [{ tag: TAG, floorHour: 0 }], unset: [] });
    bench.run(100);
    expect(ask(bench, last.idText, headOf(last), false).fetching).toEqual({ kind: 'not-yet', links: 1 });
  });
});

describe('the path', () => {
  it('of a leaf names its home relays, what they were told and what they hold', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const live = bench.connect('live', { role: 'responder', relay: true });
    const standby = bench.connect('standby', { role: 'responder', relay: true });
    live.send({ type: 'holds', reset: false, set: [{ tag: TAG, floorHour: 0 }], unset: [] });
    live.send({ type: 'mailbox-kept', tags: [TAG], hours: 168 });
    bench.run(100);
    expect(ask(bench, 'x', DEV, false).path).toEqual({
      kind: 'leaf',
      home: [
        { peer: live.id, isLive: true, isTold: true, isHeld: true, keepsMailbox: true },
        { peer: standby.id, isLive: false, isTold: true, isHeld: false, keepsMailbox: false },
      ],
    });
  });

  /** This relay - near - far, and somebody whom nobody links with. */
  function line(bench: Bench): { near: Remote; far: string; lost: string } {
    const near = bench.connect('near', { relay: true });
    bench.run(2000);
    const [far, lost] = [authorOf('far'), authorOf('lost')];
    const sequence = Math.floor(bench.now.wallMs);
    sendRecords(
      near,
      peerRecord(near.key, { sequence, links: [bench.peerId, idOf(far)], urls: ['ws://near/'] }),
      peerRecord(far, { sequence, links: [near.id], urls: ['ws://far/'] }),
      peerRecord(lost, { sequence, links: [idOf(far)], urls: ['ws://lost/'] }),
      interestRecord(far, sequence, [TAG]),
      interestRecord(lost, sequence, [TAG]),
    );
    bench.run(1000);
    return { near, far: idOf(far), lost: idOf(lost) };
  }

  it('of a relay is the tree that forwarding follows, hop by hop, with what is cut off', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const leaf = bench.connect('leaf', { relay: false, live: true });
    leaf.send({ type: 'holds', reset: false, set: [{ tag: TAG, floorHour: 0 }], unset: [] });
    const { near, far, lost } = line(bench);
    const path = relayPath(ask(bench, 'x').path);
    const shown = path.relays.map(({ url: _, ...relay }) => relay);
    const own = bench.peerId;
    expect([path.root, path.isRootKnown, path.interested, path.moreRelays]).toEqual([own, true, 3, 0]);
    expect(shown).toEqual([
      { peer: own, parent: '', depth: 0, isInterested: true, isOwn: true, isLinked: false },
      { peer: near.id, parent: own, depth: 1, isInterested: false, isOwn: false, isLinked: true },
      { peer: far, parent: near.id, depth: 2, isInterested: true, isOwn: false, isLinked: false },
    ]);
    expect(path.cut).toEqual([{ peer: lost, url: 'ws://lost/', why: 'not-mutual' }]);
    expect(path.leaves).toEqual([{ peer: leaf.id, isLive: true }]);
  });

  it('of a relay loses what lies behind a link that is cut', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const { near, far, lost } = line(bench);
    near.hangUp();
    bench.run(2000);
    const path = relayPath(ask(bench, 'x').path);
    expect(path.relays.map(({ peer }) => peer)).toEqual([bench.peerId]);
    expect(path.cut.map(({ peer, why }) => [peer, why]).sort()).toEqual(
      [
        [far, 'apart'],
        [lost, 'not-mutual'],
      ].sort(),
    );
  });

  it('begins where a message entered the mesh, as long as that relay is on the map', () => {
    const bench = new Bench({ state: { joined: ['dev'] } });
    const { near, far } = line(bench);
    const message = bench.message('from afar');
    near.send({ type: 'push', root: shortId(far), keep: false, messages: [message] });
    const question = () => relayPath(ask(bench, message.idText, headOf(message), false).path);
    expect(question().root).toBe(far);
    expect(question().relays.map(({ peer, depth }) => [peer, depth])).toEqual([
      [far, 0],
      [near.id, 1],
      [bench.peerId, 2],
    ]);
    near.hangUp();
    bench.run(2000);
    expect(question()).toMatchObject({ root: far, isRootKnown: false });
  });
});
