/**
 * Figures of a small network, worked out by hand. Each peer does what the test says:
 *
 *   A --10-- B --20-- C --5-- D --10-- E      and B --50-- D
 *
 * A and E are leaves, the others relays. A verification takes 4 ms, bytes leave at once.
 */
import { describe, expect, it } from 'vitest';
import type { Message } from '../../core/message/message.ts';
import { encodeFrame } from '../../core/wire/frames.ts';
import type { StoredMessage } from '../../store/store.ts';
import type { SimKey } from '../keys.ts';
import { write } from '../malice/craft.ts';
import { line } from '../scenarios/line.ts';
import { simulate } from '../simulate.ts';
import { ScriptedCore } from '../testing/scripted-core.ts';
import { createCore } from '../testing/seeds.ts';
import { World } from '../world.ts';
import { type Dissemination, disseminationOf } from './index.ts';
import { Tally } from './tally.ts';
import { longWords } from './words.ts';

const LINKS = [
  ['A', 'B', 10],
  ['B', 'C', 20],
  ['C', 'D', 5],
  ['B', 'D', 50],
  ['D', 'E', 10],
] as const;

class Bench {
  readonly world: World;
  readonly watch: Dissemination;
  readonly #cores = new Map<string, ScriptedCore>();
  readonly #links = new Map<string, number>();
  #count = 0;

  constructor(bytesPerMs = 1e9) {
    const exact = { jitterMs: [0, 0], verifyMs: [4, 4], bytesPerMs } as const;
    const options = { scenario: 'dissemination', seed: 5, checkers: () => [] };
    this.world = new World({ ...options, createCore: () => new ScriptedCore(), profile: exact });
    this.watch = disseminationOf(this.world);
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      const core = new ScriptedCore();
      core.isRelay = 'BCD'.includes(name);
      this.#cores.set(name, core);
      this.world.add(name, { createCore: () => core });
      this.world.start(name);
    }
    for (const [from, to, latencyMs] of LINKS) this.link(from, to, latencyMs);
  }

  core(name: string): ScriptedCore {
    return this.#cores.get(name) as ScriptedCore;
  }

  link(from: string, to: string, latencyMs: number): void {
    const { network } = this.world;
    network.profile = { ...network.profile, latencyMs: [latencyMs, latencyMs] };
    network.dialler.dial(this.world.host(from), this.world.host(to).options.url);
    this.world.run(500);
    const ends = [from, to].map((name) => this.core(name).of('link-opened').at(-1)?.link ?? 0);
    this.#links.set(from + to, ends[0] as number).set(to + from, ends[1] as number);
  }

  breakLink(from: string, to: string): void {
    const [a, b] = [this.world.host(from), this.world.host(to)];
    const { dialler } = this.world.network;
    for (const wire of dialler.wires()) if (wire.connects(a, b)) dialler.breakWire(wire);
  }

  /** A client of A publishes; nothing is sent yet. */
  publish(channel = 'dev', from = 'A'): Message {
    const { network, registry, nowMs } = this.world;
    const host = this.world.host(from);
    const body = `${++this.#count}`;
    const key = host.options.identityKeys[0] as SimKey;
    const content = { channel, body, payload: new Uint8Array() };
    const command = { ...content, identity: key.id, refs: [], expiresMs: 0, idempotencyKey: '' };
    const known = { message: undefined, ackedMs: nowMs, refused: '' };
    registry.asked({ host, request: this.#count, command, askedMs: nowMs, ...known });
    const message = write(network.messages, key, { channel, body, timeMs: 1_000_000 + this.#count });
    registry.commit(host, message);
    return message;
  }

  push(from: string, to: string, ...messages: readonly Message[]): void {
    const links = [...to].map((name) => this.#links.get(from + name) ?? 0);
    const frame = encodeFrame({ type: 'push', root: '', keep: false, messages });
    this.core(from).will({ kind: 'send', links, frame, droppable: false, notify: 0 });
    this.world.network.deliver(this.world.host(from), { kind: 'timer', timer: { kind: 'flush' } });
  }

  shown(name: string, message: Message, channel = 'dev'): void {
    this.watch.shown(this.world.host(name), channel, { message: { message } } as StoredMessage);
  }

  /** A to B, B to C and D at 20, C to D at 50, D to E at 80. */
  spread(message: Message): void {
    this.push('A', 'B', message);
    this.world.run(20);
    this.push('B', 'CD', message);
    this.world.run(30);
    this.push('C', 'D', message);
    this.world.run(30);
    this.push('D', 'E', message);
    this.world.run(20);
  }
}

const spreadOf = (value: number, count = 1) => ({
  count,
  mean: value,
  median: value,
  p90: value,
  p99: value,
  max: value,
});

describe('the figures of a message', () => {
  it('are those worked out by hand', () => {
    const bench = new Bench();
    for (const name of 'CD') bench.core(name).held.add('dev');
    const message = bench.publish();
    bench.spread(message);
    bench.shown('E', message);
    const figures = bench.watch.figures();
    // C and D hold the channel and B is the first; all three had it: B once, C once, D from B and from C.
    expect(figures).toMatchObject({
      ...{ messages: 1, relaysTouched: spreadOf(3), relaysInterested: spreadOf(3) },
      ...{ touchedPerInterested: spreadOf(1), copiesPerRelay: 1.33, copiesPerLeaf: 1 },
    });
    // It left D at 80 and B, C and D are behind it. D had it from C at 55, not from B at 70.
    expect(figures.relaysCrossed).toEqual(spreadOf(3));
    expect(figures.latencyMs).toEqual(spreadOf(90));
    // 10 to B, 4, 20 to C, 4, 5 to D, 4, 10 to E; by the link of B and D it would be 21 ms later.
    expect(figures.floodMs).toEqual(spreadOf(57));
    expect(figures.latencyPerFlood).toEqual(spreadOf(1.58));
    expect([figures.late, figures.unreachable]).toEqual([0, 0]);
    expect(bench.watch.tree()).toEqual({
      ...{ id: message.idText, channel: 'dev', author: 'A', relaysTouched: 3, relaysInterested: 3 },
      edges: [
        ['A', 'B'],
        ['B', 'C'],
        ['C', 'D'],
        ['D', 'E'],
      ],
    });
  });

  it('count the bytes on each link of both ways', () => {
    const bench = new Bench(1);
    const message = bench.publish();
    const sendMs = message.wire.length + 60;
    bench.push('A', 'B', message);
    bench.world.run(2000);
    bench.push('B', 'D', message);
    bench.world.run(2000);
    bench.shown('D', message);
    const { floodMs, latencyMs } = bench.watch.figures();
    const exact = 10 + 4 + 20 + 4 + 5 + 3 * sendMs;
    expect(Math.abs(floodMs.max - exact)).toBeLessThanOrEqual(exact / 200);
    expect(latencyMs.max).toBeGreaterThan(2050);
  });

  it('have relays that only pass it on, and by size of the channel what these cost', () => {
    const bench = new Bench();
    bench.core('D').held.add('dev');
    for (const name of 'BCD') bench.core(name).held.add('all');
    const far = bench.publish();
    bench.spread(far);
    bench.spread(bench.publish('all'));
    bench.push('A', 'B', bench.publish('nobody'));
    bench.world.run(100);
    const { bySize, touchedPerInterested } = bench.watch.figures();
    // far: B, C and D for D and the first one; all: three of three; nobody: the first one alone, which keeps it.
    expect(touchedPerInterested).toMatchObject({ count: 3, median: 1, max: 1.5 });
    expect(bySize).toEqual([
      { interestedMax: 1, messages: 1, touchedPerInterested: spreadOf(1), copiesPerRelay: 1 },
      { interestedMax: 2, messages: 1, touchedPerInterested: spreadOf(1.5), copiesPerRelay: 1.33 },
      { interestedMax: 4, messages: 1, touchedPerInterested: spreadOf(1), copiesPerRelay: 1.33 },
    ]);
  });

  it('of a relay begin there: it has had the message without a copy', () => {
    const bench = new Bench();
    const message = bench.publish('dev', 'B');
    bench.push('B', 'D', message);
    bench.world.run(100);
    bench.shown('D', message);
    bench.shown('B', message);
    expect(bench.watch.figures()).toMatchObject({
      ...{ relaysTouched: spreadOf(2), relaysInterested: spreadOf(1), copiesPerRelay: 1 },
      ...{ relaysCrossed: spreadOf(0), latencyMs: spreadOf(50), floodMs: spreadOf(29) },
    });
  });

  it('leave out who was cut off when it left, and count him', () => {
    const bench = new Bench();
    bench.breakLink('D', 'E');
    bench.world.run(100);
    const message = bench.publish();
    bench.spread(message);
    bench.link('E', 'D', 10);
    bench.push('D', 'E', message);
    bench.world.run(100);
    bench.shown('E', message);
    bench.shown('D', message);
    expect(bench.watch.figures()).toMatchObject({ unreachable: 1, latencyMs: spreadOf(55) });
  });

  it('compare with the links as they were when it left', () => {
    const bench = new Bench();
    const floods: number[] = [];
    const play = () => {
      const message = bench.publish();
      bench.push('A', 'B', message);
      bench.world.run(20);
      bench.push('B', 'D', message);
      bench.world.run(100);
      bench.shown('D', message);
      floods.push(bench.watch.figures().floodMs.max);
    };
    play();
    bench.breakLink('C', 'D');
    play(); // the break is known to nobody yet, and yet nothing gets through
    expect(floods).toEqual([43, 64]);
  });

  it('take the copy that came after a crash for the first', () => {
    const bench = new Bench();
    const message = bench.publish();
    bench.push('A', 'B', message);
    bench.world.run(20);
    bench.push('B', 'D', message);
    bench.world.run(80);
    bench.world.crash('D');
    bench.world.start('D');
    bench.link('D', 'C', 5);
    bench.push('B', 'C', message);
    bench.world.run(50);
    bench.push('C', 'D', message);
    bench.world.run(50);
    bench.shown('D', message);
    // 20, 80, 500 for the link, 50, and 5 on the way.
    expect(bench.watch.figures()).toMatchObject({ latencyMs: spreadOf(655), relaysCrossed: spreadOf(2) });
  });

  it('count what comes after two minutes as catch-up, and forget the message', () => {
    const bench = new Bench();
    const message = bench.publish();
    bench.spread(message);
    bench.shown('D', message);
    bench.world.run(121_000);
    bench.shown('E', message);
    bench.push('A', 'B', bench.publish());
    bench.push('A', 'B', message); // once more: it is the same message, and over
    bench.world.run(100);
    expect(bench.watch.figures()).toMatchObject({ messages: 2, late: 1, latencyMs: { count: 1 } });
  });
});

describe('a spread', () => {
  it('has the values below which shares of all lie', () => {
    const tally = new Tally();
    expect(tally.spread()).toEqual({ count: 0, mean: 0, median: 0, p90: 0, p99: 0, max: 0 });
    for (let i = 1; i <= 200; i++) tally.add(i / 10);
    const { count, mean, median, p90, p99, max } = tally.spread();
    expect([count, mean, median, p90, p99, max]).toEqual([200, 10.05, 10, 18, 19.8, 20]);
  });

  it('keeps two decimals or three digits, so that its memory is bounded', () => {
    const tally = new Tally();
    tally.add(1.2345);
    expect(tally.spread().median).toBe(1.23);
    tally.add(123_456);
    expect(tally.spread().max).toBe(123_000);
  });
});

describe('a simulation', () => {
  it('reports them', () => {
    const { dissemination } = simulate({ scenario: line, seed: 1, createCore });
    expect(dissemination).toMatchObject({
      ...{ messages: 100, relaysTouched: spreadOf(2, 100), touchedPerInterested: spreadOf(1, 100) },
      ...{ copiesPerRelay: 1, copiesPerLeaf: 1, relaysCrossed: spreadOf(2, 100), late: 0, unreachable: 0 },
    });
    const { median, max } = dissemination.latencyPerFlood;
    expect(median).toBeGreaterThan(0.9);
    expect(max).toBeLessThan(1.5);
    const lines = longWords(dissemination, undefined);
    expect(lines).toContain('    up to 2           100     1.00     1.00     1.00     1.00     1.00');
  });
});
