/**
 * Rounds of sudden death: a client publishes into A, a leaf of B, as fast as it can, another one into B meanwhile, and A,
 * sometimes with B, is killed with -9 at a moment that a seed chooses: after so many messages were sent, or after so many
 * were acknowledged. After each round: nothing that was acknowledged is missing where it was, nothing that was reported
 * stored is missing at B, and what was repeated under its key is there once.
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

interface Stage {
  readonly a: MeshProcess;
  readonly b: MeshProcess;
  /** publishes into A */
  readonly client: Publisher;
  /** publishes into B */
  readonly back: Publisher;
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
async function publishUntilDeath({ a, b, client, back }: Stage, round: Round): Promise<void> {
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
    if (i % 20 !== 19) continue;
    back.publish(`back-${number}-${i}`, CHANNEL, `round ${number} answer ${i}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(`${count} are ${on}`, () => death !== undefined);
  await death;
  client.onChange = () => undefined;
  client.close();
}

function expectNothingLost({ a, b, client, back }: Stage, what: string): void {
  const [atA, atB] = [storedIds(a), storedIds(b)];
  for (const [at, { acknowledged }] of [
    [atA, client],
    [atB, back],
  ] as const) {
    const lost = [...acknowledged].filter(([, id]) => !at.has(id)).map(([key]) => key);
    expect(lost, `acknowledged and lost, ${what}`).toEqual([]);
  }
  const missing = [...client.stored].filter((id) => !atB.has(id));
  expect(missing, `reported stored and missing at B, ${what}`).toEqual([]);
}

/** A leaf and an author faster than the defaults: what is looked at is the disk, not the rates. */
const NO_RATES = { MESH_RATE_LEAF: '0', MESH_RATE_AUTHOR: '0' };

/** What the rounds of a run came to. */
export interface KillTotals {
  readonly rounds: number;
  /** messages that were said to be on a disk */
  readonly acknowledged: number;
  readonly lost: number;
}

function told(name: string, totals: KillTotals): KillTotals {
  const { rounds, acknowledged, lost } = totals;
  console.log(`${name}: ${rounds} rounds, ${acknowledged} acknowledged, ${lost} lost`);
  return totals;
}

/** Sends again what has no answer, as a client does, until all is answered. */
async function repeat(client: Publisher, mesh: MeshProcess, what: string): Promise<void> {
  await client.connect(findDaemon(mesh.data));
  for (const key of client.unanswered) client.publish(key, CHANNEL, client.sent.get(key) as string);
  await until(
    `all are acknowledged, ${what}`,
    () => client.unanswered.length === 0 || client.failures.length > 0,
  );
  expect(client.failures, what).toEqual([]);
}

export async function runKillRounds(rounds: number, choices: Choices): Promise<KillTotals> {
  const b = await MeshProcess.start({ env: NO_RATES });
  const a = await MeshProcess.start({ peers: [b.url] });
  const [client, back] = [new Publisher(), new Publisher()];
  const stage: Stage = { a, b, client, back };
  await Promise.all([a, b].map((mesh) => mesh.client.join(CHANNEL)));
  await Promise.all([client.connect(findDaemon(a.data)), back.connect(findDaemon(b.data))]);
  for (let number = 1; number <= rounds; number++) {
    const round = planRound(number, choices);
    const what = `seed ${choices.seed}, ${JSON.stringify(round)}`;
    await publishUntilDeath(stage, round);
    back.close();
    await Promise.all([a.restart(), round.takesBoth && b.restart()]);
    expectNothingLost(stage, what);
    await Promise.all([repeat(client, a, what), repeat(back, b, what)]);
  }
  for (const one of [client, back]) one.close();
  const ids = [...client.acknowledged.values(), ...back.acknowledged.values()];
  await until('both have all', () =>
    [a, b].every((mesh) => {
      const held = storedIds(mesh);
      return ids.every((id) => held.has(id));
    }),
  );
  const sent = [...client.sent.values(), ...back.sent.values()].sort();
  const missing = new Set<string>();
  for (const mesh of [a, b]) {
    const rows = storedRows(mesh).filter(({ channel }) => channel === CHANNEL);
    expect(rows.map(({ body }) => body).sort(), `once each, seed ${choices.seed}`).toEqual(sent);
    const shown = new Set((await mesh.read(CHANNEL)).map(({ id }) => id));
    for (const id of ids) if (!shown.has(id)) missing.add(id);
  }
  await Promise.all([a.stop(), b.stop()]);
  return told('kill -9 of a leaf and its relay', {
    rounds,
    acknowledged: ids.length,
    lost: missing.size,
  });
}

/**
 * The same for a relay alone: a leaf made by hand pushes more than a relay can commit at once, and kills it in the
 * moment in which so many are said to be stored.
 */
export async function runRelayKillRounds(rounds: number, choices: Choices): Promise<KillTotals> {
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
    const lost = [...said].filter((id) => !kept.has(id)).length;
    expect(lost, `said to be stored and lost, ${what}`).toBe(0);
  }
  const kept = storedIds(relay);
  await relay.stop();
  const lost = [...said].filter((id) => !kept.has(id)).length;
  return told('kill -9 of a relay', { rounds, acknowledged: said.size, lost });
}
