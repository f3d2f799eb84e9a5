/** One size of mesh, played once, whose cores are then measured as often as one likes. */
import { Peer } from '../../src/core/peer.ts';
import { buildMesh, linksOfRelay, type Point, talk } from './curve-mesh.ts';
import { messagesIn, RecordedPeer, Recording } from './replay.ts';
import { median } from './statistics.ts';

const SPAN_MS = 40_000;
/** of each leaf within a span: so what a leaf is told does not thin out where there are more of them */
const MESSAGES_PER_LEAF = 8;
/** relays, and leaves, that are written down, evenly over all */
const SAMPLED = 8;

/** processor time of a warm-up, us (a guess: for each size of a curve, and figures fall by half in the first five seconds) */
const WARM_UP_US = 4_000_000;

/** Spans of a recording: the mesh forms, nobody speaks, somebody does. */
const [IDLE, TALK] = [1, 2];

export interface Figures extends Point {
  /** links of a relay */
  readonly links: number;
  /** relays that check a message */
  readonly touched: number;
  /** us that a message costs a relay that it comes to, and all relays together */
  readonly perRelay: number;
  readonly allRelays: number;
  /** us that a message costs a leaf that reads or writes it */
  readonly perLeaf: number;
  /** us of a second without messages */
  readonly idleRelay: number;
  readonly idleLeaf: number;
}

/** Cores of one role, with what they took in each round. */
class Sample {
  readonly #names: readonly string[];
  readonly #recordings: Recording[] = [];
  /** by recording, then by round */
  readonly #rounds: number[][][] = [];

  /** @param count how many peers of this role there are */
  constructor(prefix: string, count: number) {
    this.#names = Array.from(
      { length: SAMPLED },
      (_, i) => `sim ${prefix}${1 + Math.floor((i * count) / SAMPLED)}`,
    );
  }

  has(agent: string): boolean {
    return this.#names.includes(agent);
  }

  add(recording: Recording): void {
    this.#recordings.push(recording);
    this.#rounds.push([]);
  }

  endSpan(): void {
    for (const recording of this.#recordings) recording.endSpan();
  }

  settle(): void {
    for (const recording of this.#recordings) recording.settle();
  }

  /** Garbage is not collected by force in between: that drops compiled code too, and the next core pays for it. */
  replay(isCounted: boolean): void {
    for (const [i, recording] of this.#recordings.entries()) {
      const spans = recording.replay();
      if (isCounted) this.#rounds[i]?.push(spans);
    }
  }

  /** Of each core the median of its rounds, so that a collection of the whole heap, which hits one now and then, is out. */
  #took(span: number): number {
    return this.#rounds.reduce(
      (sum, rounds) => sum + median(rounds.map((spans) => spans[span] as number)),
      0,
    );
  }

  get perMessage(): number {
    const messages = this.#recordings.reduce((sum, recording) => sum + recording.messages(TALK), 0);
    return (this.#took(TALK) - this.#took(IDLE)) / messages;
  }

  get perIdleSecond(): number {
    return this.#took(IDLE) / this.#recordings.length / (SPAN_MS / 1000);
  }
}

/** A mesh that was played, and its cores in rounds. */
export class Play {
  readonly #point: Point;
  readonly #relays: Sample;
  readonly #leaves: Sample;
  readonly #links: number;
  readonly #touched: number;

  constructor(point: Point) {
    this.#point = point;
    this.#relays = new Sample('r', point.relays);
    this.#leaves = new Sample('p', point.leaves);
    const samples = [this.#relays, this.#leaves];
    const mesh = buildMesh(
      point,
      (config) => {
        const sample = samples.find((one) => one.has(config.agent));
        if (!sample) return new Peer(config);
        const recording = new Recording(config);
        sample.add(recording);
        return new RecordedPeer(config, recording);
      },
      { checkers: () => [] },
    );
    const { world } = mesh;
    let checked = 0;
    world.network.observers.push({
      effect: (host, effect) => {
        if (host.core?.isRelay === true) checked += messagesIn(effect);
      },
    });
    const endSpan = (): void => {
      for (const sample of samples) sample.endSpan();
    };
    endSpan();
    world.run(SPAN_MS);
    endSpan();
    checked = 0;
    const messages = MESSAGES_PER_LEAF * point.leaves;
    talk(mesh, messages, SPAN_MS);
    world.run(SPAN_MS);
    endSpan();
    this.#links = linksOfRelay(world);
    this.#touched = checked / messages;
    for (const sample of samples) sample.settle();
  }

  /** Replays until compilers have seen enough: as long for a small mesh as for a large one. */
  warmUp(): void {
    const before = process.cpuUsage();
    for (let us = 0; us < WARM_UP_US; ) {
      this.#replay(false);
      const { user, system } = process.cpuUsage(before);
      us = user + system;
    }
  }

  round(): void {
    this.#replay(true);
  }

  #replay(isCounted: boolean): void {
    this.#relays.replay(isCounted);
    this.#leaves.replay(isCounted);
  }

  figures(): Figures {
    const perRelay = this.#relays.perMessage;
    return {
      ...this.#point,
      links: this.#links,
      touched: this.#touched,
      perRelay,
      allRelays: perRelay * this.#touched,
      perLeaf: this.#leaves.perMessage,
      idleRelay: this.#relays.perIdleSecond,
      idleLeaf: this.#leaves.perIdleSecond,
    };
  }
}
