/** Channels compared over a link: the side that asks. */
import { describe, expect, it } from 'vitest';
import { type Bytes, toHex, utf8 } from '../bytes.ts';
import { HOUR, LIMITS, MINUTE, SECOND } from '../limits.ts';
import { sha256 } from '../message/message.fixture.ts';
import { tagOf } from '../peer.fixture.ts';
import { MINUTE_END, type Position } from '../persistence.ts';
import { type FarSet, OTHER_PRINT } from './far-set.fixture.ts';
import {
  answered,
  asked,
  denyAll,
  everything,
  fetched,
  idsOf,
  initiator,
  MALFORMED,
  offences,
  offered,
  places,
  printOf,
  REFUSED,
  wanted,
} from './linked-set.fixture.ts';

const EMPTY_PRINT = sha256(new Uint8Array(33)).slice(0, 16);

describe('the side that dialled', () => {
  it('asks about a channel whose sums differ, and about none that is equal', () => {
    const { bench, remote, floorHour, set } = initiator({ channels: ['dev', 'ops'] });
    expect(remote.got('sums')).toEqual([]);
    set([], 'ops').show(EMPTY_PRINT);
    bench.run(100);
    expect(asked(remote)).toEqual([]);
    set([]).show();
    bench.run(100);
    const window = { untilMinute: MINUTE_END, tag: tagOf('dev'), floorHour };
    expect(remote.got('reconcile')).toMatchObject([{ number: 1, ...window }]);
  });

  it('fetches what it lacks, and offers what the other side lacks', () => {
    const { bench, remote, messages, set } = initiator({ own: 9 });
    const theirs = places(5);
    const far = set([...messages.slice(3), ...theirs]);
    far.show();
    for (let i = 0; i < asked(remote).length; i++) {
      far.answer(remote.got('reconcile')[i]);
      bench.run(100);
    }
    expect(fetched(remote)).toEqual(idsOf(theirs));
    expect(offered(remote)).toEqual(idsOf(messages.slice(0, 3)));
    expect(offences(bench)).toEqual([]);
  });

  /** Answers until nothing more is asked. @returns what was compared, of each message */
  const answerAll = ({ bench, remote }: ReturnType<typeof initiator>, far: FarSet) => {
    for (let i = 0; i < asked(remote).length; i++) {
      far.answer(remote.got('reconcile')[i]);
      bench.run(100);
    }
    return remote.got('reconcile').map(({ floorHour, untilMinute }) => ({ floorHour, untilMinute }));
  };

  it('compares of a long channel the last day first, and then what lies before it', () => {
    const one = initiator({ own: 2, since: 1 });
    const day = Math.floor(one.bench.now.wallMs / HOUR) - 24;
    const far = one.set(one.messages);
    far.show();
    expect(answerAll(one, far)).toEqual([
      { floorHour: day, untilMinute: MINUTE_END },
      { floorHour: far.floorHour, untilMinute: day * 60 },
    ]);
    expect(far.floorHour).toBeLessThan(day);
  });

  it.each([48, 10])(
    'compares ever more rarely what it finds again and again, %i hours old, and what is new as before',
    (hours) => {
      const one = initiator({ since: 1 });
      const { bench, remote, set } = one;
      const at = (timeMs: number, label: string): Position => {
        return { time: { timeMs, counter: 0 }, id: sha256(utf8(label)) };
      };
      const oldMs = bench.now.wallMs - hours * HOUR;
      const all = Array.from({ length: 600 }, (_, i) => at(oldMs + i, `old ${i}`));
      let again = 0;
      for (let minute = 0; minute < 60; minute++) {
        const fresh = at(bench.now.wallMs, `new ${minute}`);
        all.push(fresh);
        const far = set(all);
        far.show(printOf(minute));
        bench.run(100);
        const old = answerAll(one, far).filter(({ floorHour, untilMinute }) => {
          return floorHour * HOUR <= oldMs && untilMinute * MINUTE > oldMs;
        });
        if (old.length > 0) again++;
        expect(fetched(remote)).toContain(toHex(fresh.id));
        denyAll(bench, remote);
        bench.run(MINUTE);
      }
      // at 25 s, and then 50 s, 100 s and so on after the last time
      expect(again).toBeGreaterThan(5);
      expect(again).toBeLessThan(10);
    },
  );

  it('goes on round by round until all is compared, and then is idle', () => {
    const { bench, remote, messages, set } = initiator({ own: 600 });
    const theirs = places(3);
    const far = set([...messages.filter((_, i) => i % 200 !== 50), ...theirs]);
    far.show();
    let rounds = 0;
    for (; rounds < asked(remote).length; rounds++) {
      far.answer(remote.got('reconcile')[rounds]);
      bench.run(100);
    }
    expect(asked(remote)).toEqual(Array.from({ length: rounds }, (_, i) => i + 1));
    expect(rounds).toBeGreaterThan(1);
    expect(fetched(remote)).toEqual(idsOf(theirs));
    expect(offered(remote)).toEqual(idsOf(messages.filter((_, i) => i % 200 === 50)));
  });

  it('sends the next message only when few ids are missing', () => {
    const { bench, remote, set } = initiator();
    const far = set(places(3000));
    far.show();
    far.answer(remote.got('reconcile')[0]);
    bench.run(100);
    expect(asked(remote)).toEqual([1]);
    expect(wanted(bench)).toBeGreaterThan(LIMITS.missingMax / 2 + LIMITS.fetchMax);
    while (asked(remote).length === 1) {
      const [next] = remote.got('fetch');
      if (next === undefined) throw new Error('it asks for nothing more');
      remote.frames.splice(remote.frames.indexOf(next), 1);
      remote.send({ type: 'fetched', messages: [], notHeld: next.ids });
      bench.run(1);
    }
    expect(wanted(bench)).toBeLessThanOrEqual(LIMITS.missingMax / 2);
    expect(wanted(bench) + LIMITS.fetchMax).toBeGreaterThan(LIMITS.missingMax / 2);
  });

  it('gives an answer up after a minute; that it comes late is no offence, and the same pair is compared again', () => {
    const { bench, remote, set } = initiator();
    const far = set(places(3));
    far.show();
    bench.run(LIMITS.reconcileAnswerMs - SECOND);
    far.show();
    bench.run(3 * SECOND);
    expect(asked(remote)).toEqual([1]);
    const [first] = remote.got('reconcile');
    far.answer(first);
    bench.run(100);
    expect([offences(bench), fetched(remote)]).toEqual([[], []]);
    far.answer(first);
    expect(offences(bench)).toEqual(['unsolicited']);
    far.show();
    bench.run(100);
    expect(asked(remote)).toEqual([1, 2]);
    far.answer(remote.got('reconcile')[1]);
    bench.run(100);
    expect(fetched(remote)).toHaveLength(3);
  });

  it('does not wait longer each time for a side that does not answer', () => {
    const { bench, remote, set } = initiator();
    for (let i = 1; i <= 5; i++) {
      set([]).show();
      bench.run(LIMITS.reconcileAnswerMs + 2 * SECOND);
      expect(asked(remote)).toHaveLength(i);
    }
  });

  it('gives a comparison up that its own store has failed', () => {
    const { bench, remote, set } = initiator();
    const far = set(places(3));
    far.show();
    bench.failReads = 1;
    far.answer(remote.got('reconcile')[0]);
    bench.run(LIMITS.reconcileAnswerMs + 2 * SECOND);
    expect(asked(remote)).toEqual([1]);
    far.show();
    far.answer(remote.got('reconcile')[1]);
    bench.run(100);
    expect([fetched(remote).length, offences(bench)]).toEqual([3, []]);
  });

  it('takes an empty answer for a refusal, and asks about the next channel', () => {
    const { bench, remote, set } = initiator({ channels: ['dev', 'ops'] });
    set([]).show();
    set([], 'ops').show();
    set([]).answer(remote.got('reconcile')[0], { message: REFUSED });
    bench.run(100);
    expect(offences(bench)).toEqual([]);
    expect(remote.got('reconcile').map(({ tag }) => tag)).toEqual(['dev', 'ops'].map(tagOf));
  });

  it('calls a malformed answer an offence, and asks about the next channel', () => {
    const { bench, remote, set } = initiator({ channels: ['dev', 'ops'] });
    set([]).show();
    set([], 'ops').show();
    set([]).answer(remote.got('reconcile')[0], { message: MALFORMED });
    bench.run(100);
    expect(offences(bench)).toHaveLength(1);
    expect(remote.refusal).toBe('invalid_message');
    expect(remote.got('reconcile').map(({ tag }) => tag)).toEqual(['dev', 'ops'].map(tagOf));
  });

  it.each([
    ['to another number', 2],
    ['to number 0, which was never asked', 0],
  ])('calls an answer %s an offence, and waits for the right one', (_, number) => {
    const { bench, remote, set } = initiator();
    const far = set(places(3));
    far.show();
    const [first] = remote.got('reconcile');
    far.answer(first, { number });
    expect(offences(bench)).toEqual(['unsolicited']);
    far.answer(first);
    bench.run(100);
    expect(fetched(remote)).toHaveLength(3);
  });

  it.each([0, 1, 2])('takes one answer to a message: another one, of number %s, is an offence', (number) => {
    const { bench, remote, set } = initiator();
    const far = set(places(3000));
    far.show();
    const [first] = remote.got('reconcile');
    bench.hold('read');
    far.answer(first);
    far.answer(first, { number });
    expect(offences(bench)).toEqual(['unsolicited']);
    bench.release('read');
    bench.run(100);
    // The next message waits for room.
    const { mark } = bench;
    far.answer(first, { number });
    expect(offences(bench)).toEqual(['unsolicited', 'unsolicited']);
    expect(bench.of('read', mark)).toEqual([]);
  });

  it('ends after rounds that bring nothing, one after the other', () => {
    const { bench, remote, set } = initiator();
    set([]).show();
    for (let i = 0; i < asked(remote).length && i < 1000; i++) {
      set([]).answer(remote.got('reconcile')[i], { message: everything(printOf(i)) });
      bench.run(2 * SECOND);
    }
    expect(asked(remote)).toHaveLength(LIMITS.reconcileIdleRoundsMax + 1);
    expect(offences(bench)).toEqual([]);
  });

  it('goes through no more rounds in a second than it answers, whatever ids are made up', () => {
    const { bench, remote, set } = initiator();
    set([]).show();
    let rounds = 0;
    const seconds = 60;
    for (let ms = 0; ms < seconds * SECOND; ms += 5) {
      for (const frame of remote.frames.splice(0))
        if (frame.type === 'fetch') remote.send({ type: 'fetched', messages: [], notHeld: frame.ids });
        else if (frame.type === 'reconcile') {
          // A list of one id up to a time, and a fingerprint of what follows.
          const list = Uint8Array.of(2, 0, 2, 1, ...sha256(utf8(`made up ${rounds}`)));
          const rest = everything(printOf(rounds++)).subarray(1);
          set([]).answer(frame, { message: Uint8Array.of(0x61, ...list, ...rest) });
        }
      bench.run(5);
    }
    const { reconcileWorkBurst, reconcileWorkPerSecond } = LIMITS;
    const most = reconcileWorkBurst + seconds * reconcileWorkPerSecond;
    expect(rounds).toBeGreaterThan(most / 8);
    expect(rounds).toBeLessThanOrEqual(most / 2);
    expect(offences(bench)).toEqual([]);
  });

  it('compares the same pair of fingerprints again after 25 s, another one at once', () => {
    const { bench, remote, set } = initiator();
    const show = (print: Bytes): number => {
      set([]).show(print);
      bench.run(100);
      const last = remote.got('reconcile').at(-1);
      remote.clear();
      if (last) set([]).answer(last, { message: REFUSED });
      return last?.number ?? 0;
    };
    expect([show(OTHER_PRINT), show(OTHER_PRINT), show(printOf(1)), show(OTHER_PRINT)]).toEqual([1, 0, 2, 0]);
    bench.run(LIMITS.retryMinMs);
    expect([show(OTHER_PRINT), show(OTHER_PRINT)]).toEqual([3, 0]);
    bench.run(LIMITS.retryMinMs);
    expect(show(OTHER_PRINT)).toBe(0);
    bench.run(LIMITS.retryMinMs);
    expect(show(OTHER_PRINT)).toBe(4);
  });

  it('asks for and offers the same ids again after 25 s, and not before', () => {
    const { bench, remote, messages, set } = initiator({ own: 5 });
    const theirs = places(4);
    const far = set(theirs);
    let pairs = 0;
    const compare = (): [string[], string[]] => {
      far.show(printOf(pairs++));
      for (let i = 0; i < asked(remote).length; i++) {
        far.answer(remote.got('reconcile')[i]);
        bench.run(100);
      }
      const outcome: [string[], string[]] = [fetched(remote), offered(remote)];
      denyAll(bench, remote);
      return outcome;
    };
    const all: [string[], string[]] = [idsOf(theirs), idsOf(messages)];
    expect([compare(), compare()]).toEqual([all, [[], []]]);
    bench.run(LIMITS.retryMinMs);
    expect([compare(), compare()]).toEqual([all, [[], []]]);
  });

  it('compares one channel at a time, and none that is shared no more', () => {
    const channels = ['dev', 'ops', 'music'];
    const { bench, remote, set } = initiator({ channels });
    for (const channel of channels) set([], channel).show();
    bench.run(100);
    expect(remote.got('reconcile').map(({ tag }) => tag)).toEqual([tagOf('dev')]);
    remote.send({ type: 'holds', reset: false, set: [], unset: [tagOf('ops')] });
    set([]).answer(remote.got('reconcile')[0], { message: Uint8Array.of(0x61) });
    bench.run(100);
    expect(remote.got('reconcile').map(({ tag }) => tag)).toEqual([tagOf('dev'), tagOf('music')]);
  });

  it('says what it compares with numbers that go on', () => {
    const { bench, remote, set } = initiator({ channels: ['dev', 'ops'] });
    for (const channel of ['dev', 'ops']) set([], channel).show();
    set([]).answer(remote.got('reconcile')[0], { message: REFUSED });
    bench.run(100);
    expect(asked(remote)).toEqual([1, 2]);
  });

  it('is neither asked nor offered anything', () => {
    const { bench, remote, set } = initiator();
    set([]).ask(1);
    set([]).offer([new Uint8Array(32)]);
    bench.run(100);
    expect(offences(bench)).toHaveLength(2);
    expect([answered(remote), fetched(remote)]).toEqual([[], []]);
  });
});
