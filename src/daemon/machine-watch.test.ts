import { describe, expect, it } from 'vitest';
import { canOpenFiles, isOutOfFiles, MachineWatch } from './machine-watch.ts';
import { Problems } from './problems.ts';
import { ManualLater } from './testing/later.ts';

const HOUR_MS = 3_600_000;
const START_MS = 1_700_000_000_000;

function setUp() {
  const later = new ManualLater();
  const world = { wallMs: START_MS, monotonicMs: 500, failure: undefined as unknown };
  const told: string[] = [];
  const problems = new Problems(
    () => world.wallMs,
    ({ code }) => told.push(code),
  );
  const watch = new MachineWatch({
    problems,
    later,
    clock: () => ({ wallMs: world.wallMs, monotonicMs: world.monotonicMs }),
    openFile: () => {
      if (world.failure !== undefined) throw world.failure;
    },
  });
  /** Lets time pass, as every clock shows it. */
  const pass = (ms: number): void => {
    world.wallMs += ms;
    world.monotonicMs += ms;
    later.pass(5_000);
  };
  return { watch, later, world, problems, told, pass };
}

describe('a clock', () => {
  it('that runs on, or is corrected by seconds, is no problem', () => {
    const { watch, world, problems, pass } = setUp();
    watch.start(START_MS - HOUR_MS);
    pass(5_000);
    world.wallMs -= 50_000;
    pass(5_000);
    world.wallMs += 90 * 24 * HOUR_MS;
    pass(5_000);
    expect(problems.list).toEqual([]);
  });

  it('that was set back is told once, with what it showed, until it has caught up', () => {
    const { watch, world, problems, told, pass } = setUp();
    watch.start(0);
    pass(5_000);
    world.wallMs -= 3 * HOUR_MS;
    pass(5_000);
    pass(2 * HOUR_MS);
    expect(told).toEqual(['clock_back']);
    expect(problems.list).toMatchObject([{ detail: 'It showed 2023-11-14T22:13:30.000Z before.' }]);
    pass(HOUR_MS);
    expect(problems.list).toEqual([]);
    world.wallMs -= HOUR_MS;
    pass(5_000);
    world.wallMs += HOUR_MS;
    pass(5_000);
    expect([told, problems.list]).toEqual([['clock_back', 'clock_back'], []]);
  });

  it('that was set back once more is told as one problem, and counts from the latest time', () => {
    const { watch, world, problems, pass } = setUp();
    watch.start(0);
    world.wallMs -= HOUR_MS;
    pass(0);
    world.wallMs -= HOUR_MS;
    pass(0);
    expect(problems.list).toMatchObject([
      { code: 'clock_back', detail: expect.stringContaining('22:13:20') },
    ]);
  });

  it('that stands a little before the newest message of the last run is no problem', () => {
    const { watch, problems } = setUp();
    watch.start(START_MS + HOUR_MS / 7);
    expect(problems.list).toEqual([]);
  });

  it('that stands before the last run is told from the start', () => {
    const { watch, problems } = setUp();
    watch.start(START_MS + HOUR_MS);
    expect(problems.list).toMatchObject([
      { code: 'clock_back', detail: expect.stringContaining('23:13:20') },
    ]);
  });
});

describe('files', () => {
  it.each(['EMFILE', 'ENFILE'])('that cannot be opened (%s) are a problem until they can', (code) => {
    const { watch, world, problems, pass } = setUp();
    watch.start(0);
    world.failure = Object.assign(new Error('too many open files'), { code });
    pass(5_000);
    pass(5_000);
    expect(problems.list).toMatchObject([{ code: 'out_of_files' }]);
    world.failure = undefined;
    pass(5_000);
    expect(problems.list).toEqual([]);
  });

  it('are not looked at after the stop', () => {
    const { watch, later } = setUp();
    watch.start(0);
    expect(later.waiting).toEqual([5_000]);
    watch.stop();
    watch.start(0);
    expect(later.waiting).toEqual([]);
  });

  it('can be opened here, and errors of another kind mean something else', () => {
    expect(canOpenFiles(3)).toBe(true);
    expect(isOutOfFiles(Object.assign(new Error(), { code: 'EACCES' }))).toBe(false);
  });
});
