/** The clock of a machine is set back: nothing is lost, sending and receiving go on, and a person is told. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { storedIds, storedRows } from '../testing/database.ts';
import { MeshProcess, makeFolder } from '../testing/mesh-process.ts';
import { clockFrom } from '../testing/set-clock.ts';
import { until } from '../testing/wait.ts';

const CHANNEL = '#clock';
const HOUR_MS = 3_600_000;

async function problemCodes(mesh: MeshProcess): Promise<string[]> {
  return (await mesh.client.status()).problems.map(({ code }) => code);
}

/** A clock that a test sets. */
class TestClock {
  readonly #file = path.join(makeFolder(), 'clock');
  readonly env = clockFrom(this.#file);

  constructor() {
    this.set(0);
  }

  /** @param hours beside the true time */
  set(hours: number): void {
    // Whole or not at all: a daemon that reads an empty file would have the true time for a moment.
    fs.writeFileSync(`${this.#file}.new`, `${hours * HOUR_MS}`);
    fs.renameSync(`${this.#file}.new`, this.#file);
  }
}

it('a clock set back by hours and days, running and over a restart: nothing is lost and it is said until it is right', async () => {
  const [clock, others] = [new TestClock(), new TestClock()];
  const neighbour = await MeshProcess.start({ env: others.env });
  const mesh = await MeshProcess.start({ peers: [neighbour.url], env: clock.env });
  const both = [mesh, neighbour];
  await Promise.all(both.map((one) => one.client.join(CHANNEL)));
  await mesh.hasLinks(1);
  const said: string[] = [];
  const say = async (body: string): Promise<void> => {
    const { id } = await mesh.client.publish({ channel: CHANNEL, body });
    said.push(id);
    for (const at of both) await until(`"${body}" is everywhere`, () => storedIds(at).has(id));
  };

  await say('before');
  expect(await problemCodes(mesh)).toEqual([]);
  clock.set(-3);
  await until('it is said', async () => (await problemCodes(mesh)).includes('clock_back'));
  await say('three hours back');
  const honest = await neighbour.client.publish({ channel: CHANNEL, body: 'by a clock that is right' });
  clock.set(-72);
  await say('three days back');
  await mesh.kill();
  await mesh.restart();
  await mesh.hasLinks(1);
  await say('after a kill');
  expect(await problemCodes(mesh)).toEqual(['clock_back']);
  const [problem] = (await mesh.client.status()).problems;
  expect(problem?.detail).toMatch(/^It showed \d{4}-\d\d-\d\dT[\d:.]+Z before\.$/);
  // As the advice has it: what is days ahead for this clock is not taken yet.
  expect(storedIds(mesh).has(honest.id)).toBe(false);

  // The way on: the clock is set right. Both go five minutes ahead, so that nobody waits for a full minute to pass.
  for (const one of [clock, others]) one.set(5 / 60);
  await until('it is over', async () => (await problemCodes(mesh)).length === 0);
  await until('what others said comes', () => storedIds(mesh).has(honest.id));
  said.push(honest.id);
  await say('right again');
  for (const at of both) {
    const shown = await at.read(CHANNEL);
    expect(shown.map(({ id }) => id).sort()).toEqual([...said].sort());
    expect(shown.at(-1)?.body).toBe('right again');
  }
  // The order of arrival is the order in which things happened, whatever the clock said.
  const arrived = storedRows(mesh).filter(({ channel }) => channel === CHANNEL);
  expect(arrived.map(({ id }) => id.toString('base64url'))).toEqual(said);
  await Promise.all(both.map((one) => one.stop()));
});
