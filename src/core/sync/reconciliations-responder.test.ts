/** Channels compared over a link: the side that answers. */
import { describe, expect, it } from 'vitest';
import { type Bytes, toHex } from '../bytes.ts';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { EPOCH_MS, tagOf } from '../peer.fixture.ts';
import { MINUTE_END } from '../persistence.ts';
import { encodeFrame } from '../wire/frames.ts';
import { OTHER_PRINT } from './far-set.fixture.ts';
import {
  answered,
  asked,
  denyAll,
  everything,
  fetched,
  idsOf,
  MALFORMED,
  offences,
  places,
  REFUSED,
  responder,
  wanted,
} from './linked-set.fixture.ts';

describe('the side that was dialled', () => {
  it('shows its sums when a channel is shared, and answers what it is asked', () => {
    const { bench, remote, messages, floorHour, set } = responder({ own: 9 });
    const sums = [{ tag: tagOf('dev'), floorHour }];
    expect(remote.got('sums')).toMatchObject([{ untilMinute: MINUTE_END, sums }]);
    const far = set([...messages.slice(3), ...places(2)]);
    far.ask(7);
    const found = { have: [] as Bytes[], need: [] as Bytes[] };
    for (let i = 0; i < answered(remote).length; i++) {
      const { message, have, need } = far.take(remote.got('reconciled')[i]);
      found.have.push(...have);
      found.need.push(...need);
      if (message) far.ask(8 + i, { message });
      bench.run(100);
    }
    expect(answered(remote)[0]).toBe(7);
    expect(found.have.map(toHex).sort()).toEqual(idsOf(places(2)));
    expect(found.need.map(toHex).sort()).toEqual(idsOf(messages.slice(0, 3)));
    expect(offences(bench)).toEqual([]);
  });

  it('refuses what is not shared, lies below the floor, or ends where no sums are kept', () => {
    const { bench, remote, floorHour, set } = responder({ own: 3 });
    const minute = Math.floor(EPOCH_MS / MINUTE) - 100;
    set([]).ask(1, { tag: tagOf('ops') });
    set([]).ask(2, { floorHour: floorHour - 1 });
    set([]).ask(3, { untilMinute: minute });
    const refused = [1, 2, 3].map((number) => ({ type: 'reconciled', number, message: REFUSED }));
    expect(remote.got('reconciled')).toEqual(refused);
    set([]).ask(4, { floorHour: floorHour + 1 });
    set([]).ask(5, { untilMinute: minute - (minute % 60) });
    expect(
      remote
        .got('reconciled')
        .slice(3)
        .map(({ message }) => message.length > 0),
    ).toEqual([true, true]);
    expect(offences(bench)).toEqual([]);
  });

  it('does not answer a malformed message: that is an offence', () => {
    const { bench, remote, set } = responder();
    set([]).ask(1, { message: MALFORMED });
    set([]).ask(2, { message: new Uint8Array(0) });
    expect(offences(bench)).toHaveLength(2);
    expect(answered(remote)).toEqual([]);
    set([]).ask(3);
    expect(answered(remote)).toEqual([3]);
  });

  it('lets a message wait while too much is asked for in a second', () => {
    const { bench, remote, set } = responder();
    const most = LIMITS.reconcileWorkBurst;
    const far = set([]);
    for (let n = 1; n <= most; n++) far.ask(n);
    // each of them took a query or two
    const { length } = answered(remote);
    expect(answered(remote)).toEqual(Array.from({ length }, (_, i) => i + 1));
    expect(length).toBeGreaterThan(most / 4);
    expect(length).toBeLessThanOrEqual(most / 2 + 1);
    bench.run(2 * SECOND);
    expect(answered(remote).slice(length)).toEqual([most]);
    expect(offences(bench)).toEqual([]);
  });

  it('answers one message after the other, and of those that wait the newest', () => {
    const { bench, remote, set } = responder({ own: 3 });
    bench.hold('read');
    for (const number of [1, 2, 3, 4]) set([]).ask(number);
    expect(answered(remote)).toEqual([]);
    bench.release('read');
    bench.run(100);
    expect(answered(remote)).toEqual([1, 4]);
  });

  it('keeps of a message that waits what it said, whatever becomes of the bytes of its frame', () => {
    const { bench, remote, floorHour, set } = responder({ own: 3 });
    bench.hold('read');
    set([]).ask(1);
    const untilMinute = MINUTE_END;
    const bytes = encodeFrame({
      ...{ type: 'reconcile', number: 2, untilMinute, tag: tagOf('dev'), floorHour },
      message: everything(OTHER_PRINT),
    });
    remote.bytes(bytes);
    bytes.fill(0xff);
    bench.release('read');
    bench.run(100);
    expect([answered(remote), offences(bench)]).toEqual([[1, 2], []]);
  });

  it('answers again when its store has failed it', () => {
    const { bench, remote, set } = responder({ own: 3 });
    bench.failReads = 1;
    set([]).ask(1);
    set([]).ask(2);
    bench.run(LIMITS.reconcileAnswerMs - SECOND);
    expect(answered(remote)).toEqual([]);
    bench.run(3 * SECOND);
    expect(answered(remote)).toEqual([2]);
  });

  it('fetches what it is offered and does not know', () => {
    const { bench, remote, messages, set } = responder({ own: 3 });
    set([]).ask(1);
    const unknown = places(4);
    set([]).offer([...messages, ...unknown].map(({ id }) => id));
    bench.run(100);
    expect(fetched(remote)).toEqual(idsOf(unknown));
    denyAll(bench, remote);
    set([]).offer(unknown.map(({ id }) => id));
    bench.run(100);
    expect(fetched(remote)).toEqual([]);
    bench.run(LIMITS.retryMinMs);
    set([]).offer(unknown.map(({ id }) => id));
    bench.run(100);
    expect(fetched(remote)).toEqual(idsOf(unknown));
  });

  it('fetches nothing of a channel that is not shared', () => {
    const { bench, remote, set } = responder();
    set([]).ask(1);
    set([], 'ops').offer(places(4).map(({ id }) => id));
    bench.run(100);
    expect([fetched(remote), offences(bench)]).toEqual([[], []]);
  });

  it('is offered no more than it looked at, and nothing before it was asked', () => {
    const { bench, remote, set } = responder();
    const ids = places(LIMITS.reconcileIdsMax + 1).map(({ id }) => id);
    const offerAll = (): void => {
      for (let at = 0; at < LIMITS.reconcileIdsMax; at += LIMITS.offeredIdsMax)
        set([]).offer(ids.slice(at, Math.min(at + LIMITS.offeredIdsMax, LIMITS.reconcileIdsMax)));
    };
    set([]).offer(ids.slice(0, 1));
    bench.run(100);
    expect([offences(bench), fetched(remote)]).toEqual([['unsolicited'], []]);
    set([]).ask(1);
    offerAll();
    expect(offences(bench)).toHaveLength(1);
    set([]).offer(ids.slice(-1));
    expect(offences(bench)).toHaveLength(2);
    denyAll(bench, remote);
    set([]).ask(2);
    set([]).offer(ids.slice(-1));
    bench.run(100);
    expect([offences(bench).length, fetched(remote)]).toEqual([2, [toHex(ids.at(-1) as Bytes)]]);
  });

  it('lets a message wait while many ids of the last one are missing', () => {
    const { bench, remote, set } = responder();
    set([]).ask(1);
    const ids = places(LIMITS.missingMax).map(({ id }) => id);
    for (let at = 0; at < ids.length; at += LIMITS.offeredIdsMax)
      set([]).offer(ids.slice(at, at + LIMITS.offeredIdsMax));
    set([]).ask(2);
    bench.run(3 * SECOND);
    expect(answered(remote)).toEqual([1]);
    while (answered(remote).length === 1) {
      const [next] = remote.got('fetch');
      if (next === undefined) throw new Error('it asks for nothing more');
      remote.frames.splice(remote.frames.indexOf(next), 1);
      remote.send({ type: 'fetched', messages: [], notHeld: next.ids });
      bench.run(1);
    }
    expect(answered(remote)).toEqual([1, 2]);
    expect(wanted(bench)).toBeLessThanOrEqual(LIMITS.missingMax / 2);
    expect(wanted(bench) + LIMITS.fetchMax).toBeGreaterThan(LIMITS.missingMax / 2);
  });

  it('is shown no sums and answers to nothing', () => {
    const { bench, remote, set } = responder();
    set([]).show();
    remote.send({ type: 'reconciled', number: 1, message: Uint8Array.of(0x61) });
    bench.run(100);
    expect(offences(bench)).toHaveLength(2);
    expect(asked(remote)).toEqual([]);
  });
});
