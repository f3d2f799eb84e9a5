import { beforeEach, describe, expect, it } from 'vitest';
import { IsolationWatch } from './isolation.ts';
import { Promptness } from './promptness.ts';
import { createCore } from './testing/seeds.ts';
import { World } from './world.ts';

let world: World;
let promptness: Promptness;
let watch: IsolationWatch;

/** A and B listen in the lobby and hang on R, which is all that joins them. */
beforeEach(() => {
  world = new World({ scenario: 'promptness', seed: 5, createCore });
  world.add('R');
  for (const name of ['A', 'B']) world.add(name, { fixed: ['R'], joined: ['lobby'] });
  promptness = new Promptness(world);
  watch = new IsolationWatch(world);
  for (const name of ['R', 'A', 'B']) world.start(name);
  watch.run(10_000);
});

const say = (body: string) => promptness.publish('A', 'lobby', body, watch.isConnected);

describe('promptness', () => {
  it('counts a message that comes at once as within a second', () => {
    say('hello');
    world.run(61_000);
    expect(promptness.figures()).toMatchObject({ due: 1, shares: [1, 1, 1, 1], missing: [] });
  });

  it('counts one that never comes as missing, and says where', () => {
    say('heard');
    world.run(1000);
    world.crash('R');
    say('lost');
    world.run(61_000);
    const { due, shares, missing, words } = promptness.figures();
    expect([due, shares]).toEqual([2, [0.5, 0.5, 0.5, 0.5]]);
    expect(missing).toEqual([expect.stringMatching(/^\S{8} of A at B$/)]);
    expect(words).toContain('50.000% within 60 s');
  });

  it('counts one that comes late in the times that it kept', () => {
    world.crash('R');
    say('late');
    world.run(8000);
    world.start('R');
    world.run(60_000);
    expect(promptness.figures().shares).toEqual([0, 0, expect.any(Number), 1]);
  });

  it('does not count who stops, nor what an author wrote who stops', () => {
    world.crash('R');
    say('to nobody');
    world.crash('B');
    world.start('B');
    world.run(61_000);
    expect(promptness.figures()).toMatchObject({ due: 0, missing: [] });
    world.start('R');
    watch.run(20_000);
    say('and gone');
    world.crash('A');
    world.run(61_000);
    expect(promptness.figures().due).toBe(0);
  });

  it('does not count who was cut off', () => {
    world.crash('R');
    watch.run(6000);
    say('alone');
    world.run(61_000);
    expect(promptness.figures().due).toBe(0);
  });
});

describe('the watch for who is cut off', () => {
  it('tells for how long, and who', () => {
    const before = watch.longest.ms;
    expect(before).toBeLessThan(5000);
    world.crash('R');
    watch.run(30_000);
    expect(watch.longest.ms).toBeGreaterThan(20_000);
    expect(watch.longest.words).toMatch(/^[AB] from \d+ ms on$/);
  });

  it('holds nobody for connected who started after the last look', () => {
    expect(watch.isConnected(world.host('A'))).toBe(true);
    world.crash('A');
    expect(watch.isConnected(world.host('A'))).toBe(false);
    world.start('A');
    expect(watch.isConnected(world.host('A'))).toBe(false);
    watch.run(6000);
    expect(watch.isConnected(world.host('A'))).toBe(true);
  });
});
