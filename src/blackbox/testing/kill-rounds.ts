/**
 * Rounds of sudden death: a client publishes into A, a leaf of B, as fast as it can, and A, sometimes with B, is killed
 * with -9 at a moment that a seed chooses: after so many messages were sent, or after so many were acknowledged.
 * After each round: nothing that was acknowledged is missing at A, nothing that was reported stored is missing at B, and
 * what was repeated under its key is there once.
 */
import { expect } from 'vitest';
import { findDaemon } from '../../api/client/find.ts';
import { Author, pushOf } from './author.ts';
import { storedIds, storedRows } from './database.ts';
import { MeshProcess } from './mesh-process.ts';
import { Publisher } from './publisher.ts';
import type { Choices } from './random.ts';
import { RawPeer } from './raw-peer.ts';
import { until } from './wait.ts';

const CHANNEL = '#kill';

interface Round {
  readonly number: number;
  readonly messages: number;
  /** B dies with A */
  readonly takesBoth: boolean;
  /** how many messages are sent, acknowledged or stored when death comes */
  readonly on: 'sent' | 'acknowledged' | 'stored';
  readonly count: number;
}

function sizeOf(client: Publisher, on: Round['on']): number {
  return { sent: client.sent, acknowledged: client.acknowledged, stored: client.stored }[on].size;
}

function planRound(number: number, choices: Choices): Round {
  const messages = choices.between(100, 400);
  const on = (['acknowledged', 'stored', 'sent'] as const)[(number - 1) % 3] as Round['on'];
  return { number, messages, takesBoth: number % 2 === 0, on, count: choices.between(1, messages) };
}

/** Publishes the round's messages; death comes in the very moment in which the count is reached. */
async function publishUntilDeath(
  a: MeshProcess,
  b: MeshProcess,
  client: Publisher,
  round: Round,
): Promise<void> {
  const { number, messages, on, count, takesBoth } = round;
  const goal = sizeOf(client, on) + count;
  let death: Promise<unknown> | undefined;
  client.onChange = () => {
    if (sizeOf(client, on) >= goal)
      death ??= takesBoth ? Promise.all([b.kill(), a.kill()]) : Promise.resolve(a.kill());
  };
  for (let i = 0; i < messages && death === undefined; i++) {
    client.publish(`${number}-${i}`, CHANNEL, `round ${number} message ${i}`);
    // Answers are read between messages, as a real client does.
    if (i % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(`${count} are ${on}`, () => death !== undefined);
  await death;
  client.onChange = () => undefined;
  client.close();
}

function expectNothingLost(a: MeshProcess, b: MeshProcess, client: Publisher, what: string): void {
  const [atA, atB] = [storedIds(a), storedIds(b)];
  const lost = [...client.acknowledged].filter(([, id]) => !atA.has(id)).map(([key]) => key);
  expect(lost, `acknowledged and lost at A, ${what}`).toEqual([]);
  const missing = [...client.stored].filter((id) => !atB.has(id));
  expect(missing, `reported stored and missing at B, ${what}`).toEqual([]);
}

/** A leaf and an author faster than the defaults: what is looked at is the disk, not the rates. */
const NO_RATES = { MESH_RATE_LEAF: '0', MESH_RATE_AUTHOR: '0' };

/** @returns how many messages were published in all */
export async function runKillRounds(rounds: number, choices: Choices): Promise<number> {
  const b = await MeshProcess.start({ env: NO_RATES });
  const a = await MeshProcess.start({ peers: [b.url] });
  const client = new Publisher();
  await client.connect(findDaemon(a.data));
  for (let number = 1; number <= rounds; number++) {
    const round = planRound(number, choices);
    const what = `seed ${choices.seed}, ${JSON.stringify(round)}`;
    await publishUntilDeath(a, b, client, round);
    await Promise.all([a.restart(), round.takesBoth && b.restart()]);
    expectNothingLost(a, b, client, what);
    await client.connect(findDaemon(a.data));
    for (const key of client.unanswered) client.publish(key, CHANNEL, client.sent.get(key) as string);
    await until(`all are acknowledged, ${what}`, () => client.unanswered.length === 0);
    expect(client.failures, what).toEqual([]);
  }
  client.close();
  const ids = [...client.acknowledged.values()];
  await until('B has all', () => {
    const atB = storedIds(b);
    return ids.every((id) => atB.has(id));
  });
  for (const mesh of [a, b]) {
    const bodies = storedRows(mesh).filter(({ channel }) => channel === CHANNEL);
    expect(bodies.map(({ body }) => body).sort(), `once each, seed ${choices.seed}`).toEqual(
      [...client.sent.values()].sort(),
    );
  }
  const shown = await a.read(CHANNEL);
  expect(new Set(shown.map(({ id }) => id))).toEqual(new Set(ids));
  await Promise.all([a.stop(), b.stop()]);
  return client.sent.size;
}

/**
 * The same for a relay alone: a leaf made by hand pushes more than a relay can commit at once, and kills it in the
 * moment in which so many are said to be stored.
 */
export async function runRelayKillRounds(rounds: number, choices: Choices): Promise<void> {
  const author = new Author();
  const relay = await MeshProcess.start({ env: NO_RATES });
  const said = new Set<string>();
  for (let number = 1; number <= rounds; number++) {
    const frames = choices.between(20, 40);
    const count = choices.between(1, frames * 25);
    const leaf = await RawPeer.link(relay);
    let death: Promise<void> | undefined;
    leaf.onFrame = ({ type }) => {
      if (type === 'stored' && leaf.stored.size >= count) death ??= relay.kill();
    };
    for (let f = 0; f < frames; f++) {
      const messages = Array.from({ length: 50 }, (_, i) =>
        author.write({ channel: CHANNEL, body: `${number} ${f} ${i} ${'x'.repeat(1000)}` }),
      );
      leaf.send(pushOf(messages.map(({ wire }) => wire)));
    }
    await until(`${count} are said to be stored`, () => death !== undefined);
    await death;
    for (const id of leaf.stored) said.add(id);
    await relay.restart();
    const kept = storedIds(relay);
    const what = `seed ${choices.seed}, round ${number}, ${frames} frames, death at ${count}`;
    expect([...said].filter((id) => !kept.has(id)).length, `said to be stored and lost, ${what}`).toBe(0);
  }
  await relay.stop();
}
