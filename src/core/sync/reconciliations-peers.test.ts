/** Two real peers whose sets of messages differ, linked with each other: both end with all of them. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { LIMITS, MINUTE, SECOND } from '../limits.ts';
import { sha256 } from '../message/message.fixture.ts';
import type { Message } from '../message/message.ts';
import { Bench } from '../peer.fixture.ts';
import { Random } from '../random.ts';
import type { Remote } from '../remote.fixture.ts';
import type { Frame } from '../wire/frame.ts';
import { createSetStore, fill, type SetStore, series } from './set-store.fixture.ts';

/** What passes between the two; each has shaken hands with its own far end. */
const PASSED: ReadonlySet<Frame['type']> = new Set([
  ...(['holds', 'heartbeat', 'sums', 'reconcile', 'reconciled', 'offer'] as const),
  ...(['fetch', 'fetched', 'push', 'announce', 'error'] as const),
]);

interface Side {
  readonly store: SetStore;
  readonly bench: Bench;
  /** stands for the other side */
  readonly far: Remote;
}

class Wire {
  readonly dialler: Side;
  readonly responder: Side;
  /** frames that passed, by the side that sent them */
  readonly passed: (readonly [from: 'dialler' | 'responder', frame: Frame])[] = [];

  /** whether a frame gets lost, as where a queue is full */
  isLost: (frame: Frame) => boolean = () => false;

  constructor(dialler: readonly Message[], responder: readonly Message[]) {
    this.dialler = this.#side('leaf', 'responder', dialler);
    this.responder = this.#side('home', 'dialler', responder);
  }

  #side(name: string, role: 'dialler' | 'responder', messages: readonly Message[]): Side {
    const store = createSetStore();
    fill(store, messages);
    const config = { mayRelay: name === 'home' };
    const bench = new Bench({ name, store, config, state: { joined: ['dev'] } });
    const far = bench.connect(name === 'home' ? 'leaf' : 'home', { role, ...roleOf(role) });
    return { store, bench, far };
  }

  /** @returns whether anything was said */
  #pass(from: 'dialler' | 'responder'): boolean {
    const [source, target] =
      from === 'dialler' ? [this.dialler, this.responder] : [this.responder, this.dialler];
    const frames = source.far.frames.splice(0).filter(({ type }) => PASSED.has(type));
    for (const frame of frames) {
      if (this.isLost(frame)) continue;
      this.passed.push([from, frame]);
      target.far.send(frame);
    }
    return frames.length > 0;
  }

  /** Lets them talk. */
  run(durationMs: number, stepMs = 20): void {
    for (let ms = 0; ms < durationMs; ms += stepMs) {
      for (const { bench } of [this.dialler, this.responder]) bench.run(stepMs);
      while (this.#pass('dialler') || this.#pass('responder'));
    }
  }

  sent(from: 'dialler' | 'responder', type: Frame['type']): number {
    return this.passed.filter(([who, frame]) => who === from && frame.type === type).length;
  }

  get offences(): unknown[] {
    return [this.dialler, this.responder].flatMap(({ bench }) => bench.reports('offence'));
  }
}

const roleOf = (role: 'dialler' | 'responder') => (role === 'responder' ? { relay: true } : { live: true });
const bodiesOf = (messages: readonly Message[]): string[] => messages.map(({ body }) => body);

/** Messages, each of which one side lacks by this chance. */
function makeSets(seed: string, count: number, lacks: readonly [dialler: number, responder: number]) {
  const all = series(new Bench(), count);
  const random = new Random(sha256(utf8(seed)));
  const dialler: Message[] = [];
  const responder: Message[] = [];
  for (const message of all) {
    const chance = random.unit();
    if (chance >= lacks[0]) dialler.push(message);
    if (chance < lacks[0] || chance >= lacks[0] + lacks[1]) responder.push(message);
  }
  return { all, dialler, responder };
}

describe('two peers', () => {
  it.each([
    ['few differ on both sides', 500, [0.01, 0.01]],
    ['the dialler has nothing', 300, [1, 0]],
    ['the other side has nothing', 300, [0, 1]],
    ['they have nothing in common', 300, [0.5, 0.5]],
    ['each lacks a third', 900, [0.33, 0.33]],
    ['one lacks more than may be missing at a time', 2500, [1, 0]],
    ['the other lacks more than may be missing at a time', 2500, [0, 1]],
  ] as const)('hold the same in the end, where %s', (name, count, lacks) => {
    const { all, dialler, responder } = makeSets(name, count, lacks);
    const wire = new Wire(dialler, responder);
    wire.run(20 * SECOND);
    expect(wire.dialler.store.bodies()).toEqual(bodiesOf(all));
    expect(wire.responder.store.bodies()).toEqual(bodiesOf(all));
    expect(wire.offences).toEqual([]);
    // Each message crossed once, and was asked for once.
    const crossed = wire.passed.flatMap(([, frame]) => (frame.type === 'fetched' ? frame.messages : []));
    expect(crossed.length).toBe(2 * all.length - dialler.length - responder.length);
  });

  it.each([1, 2, 3, 4])(
    'hold the same in the end, whatever frames were lost and messages came meanwhile: seed %i',
    (seed) => {
      const { all, dialler, responder } = makeSets(`lost ${seed}`, 1500, [0.3, 0.3]);
      // those come while the others are compared, to one side each
      const late = all.filter((_, i) => i % 25 === 0);
      const early = (message: Message): boolean => !late.includes(message);
      const wire = new Wire(dialler.filter(early), responder.filter(early));
      const random = new Random(sha256(utf8(`losses ${seed}`)));
      const types: readonly Frame['type'][] = [
        'sums',
        'reconcile',
        'reconciled',
        'offer',
        'fetch',
        'fetched',
      ];
      const lost = types.filter(() => random.below(2) === 0);
      wire.isLost = ({ type }) => lost.includes(type) && random.below(3) === 0;
      for (const message of late) {
        fill(wire[random.below(2) === 0 ? 'dialler' : 'responder'].store, [message]);
        wire.run(3 * SECOND, 100);
      }
      wire.isLost = () => false;
      wire.run(10 * MINUTE, 200);
      expect(wire.dialler.store.bodies()).toEqual(bodiesOf(all));
      expect(wire.responder.store.bodies()).toEqual(bodiesOf(all));
      expect(wire.offences).toEqual([]);
    },
  );

  it('say nothing but sums where they hold the same, and heartbeats from then on', () => {
    const { all } = makeSets('equal', 200, [0, 0]);
    const wire = new Wire(all, all);
    wire.run(30 * SECOND);
    expect(wire.sent('responder', 'sums')).toBe(1);
    expect(wire.sent('dialler', 'reconcile')).toBe(0);
    expect(wire.sent('dialler', 'heartbeat')).toBeGreaterThan(2);
    expect(wire.sent('responder', 'heartbeat')).toBeGreaterThan(2);
  });

  it.each(['dialler', 'responder'] as const)(
    'find by heartbeat what came to the %s alone since, and let the dialler ask',
    (side) => {
      const { all } = makeSets('later', 100, [0, 0]);
      const wire = new Wire(all.slice(0, -1), all.slice(0, -1));
      wire.run(2 * SECOND);
      expect(wire.sent('dialler', 'reconcile')).toBe(0);
      fill(wire[side].store, all.slice(-1));
      wire.run(3 * LIMITS.heartbeatMs);
      expect(wire.dialler.store.bodies()).toEqual(bodiesOf(all));
      expect(wire.responder.store.bodies()).toEqual(bodiesOf(all));
      expect([wire.sent('dialler', 'sums'), wire.sent('responder', 'reconcile')]).toEqual([0, 0]);
      expect(wire.offences).toEqual([]);
    },
  );
});
