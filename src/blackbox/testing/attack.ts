/**
 * Two honest relays with an honest leaf each, and between them every kind of malicious peer that the simulator has. Honest
 * people talk all the while; nobody of them is punished, nothing is lost, and no relay grows.
 */
import { expect } from 'vitest';
import { MeshError } from '../../core/errors.ts';
import { MALICE_KINDS } from '../../sim/malice/index.ts';
import { Attackers } from './attackers.ts';
import { INSPECTED, Inspector } from './inspector.ts';
import { MeshProcess } from './mesh-process.ts';
import { until } from './wait.ts';

const CHANNEL = 'lobby';

interface Cast {
  readonly relays: readonly [MeshProcess, MeshProcess];
  readonly author: MeshProcess;
  readonly reader: MeshProcess;
  readonly inspectors: readonly Inspector[];
}

async function createCast(): Promise<Cast> {
  const first = await MeshProcess.start({ env: INSPECTED });
  const second = await MeshProcess.start({ peers: [first.url], env: INSPECTED });
  const inspectors = [await Inspector.attach(first), await Inspector.attach(second)];
  const author = await MeshProcess.start({ peers: [first.url] });
  const reader = await MeshProcess.start({ peers: [second.url] });
  for (const mesh of [author, reader]) await mesh.client.join(CHANNEL);
  return { relays: [first, second], author, reader, inspectors };
}

async function heaps({ inspectors }: Cast): Promise<number[]> {
  const all: number[] = [];
  for (const inspector of inspectors) all.push(await inspector.heap());
  return all;
}

/** One honest message, from one client to another over two relays. @returns its id */
async function say({ author, reader }: Cast, body: string): Promise<string> {
  const { id } = await author.client.publish({ channel: CHANNEL, body });
  await until('an honest message arrives', async () => {
    try {
      return (await reader.client.message(id)).body === body;
    } catch (error) {
      if (error instanceof MeshError && error.code === 'not_found') return false;
      throw error;
    }
  });
  return id;
}

/** Honest peers lay nothing at each other's door, and none of them is in trouble. */
async function expectUnharmed({ relays, author, reader }: Cast): Promise<void> {
  const honest = [...relays, author, reader];
  const ids = await Promise.all(honest.map(async (mesh) => (await mesh.client.status()).peer));
  for (const mesh of honest) {
    const blamed = mesh.log.filter(({ peer = '', code, phrase }) => {
      return ids.includes(peer) && (phrase === 'offence' || code === 'banned');
    });
    expect(blamed).toEqual([]);
    expect(mesh.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    expect((await mesh.client.status()).problems).toEqual([]);
  }
}

export interface AttackOptions {
  /** malicious peers of each kind */
  readonly each: number;
  /** seconds of the attackers' time */
  readonly seconds: number;
  /** share of the time after which the heap counts as that of the beginning; 0 for before the attack */
  readonly from: number;
  /** how many times as large the heap may be at the end */
  readonly growthMax: number;
}

/** @returns how many honest messages there were, and how often each kind did anything */
export async function playAttack({ each, seconds, from, growthMax }: AttackOptions) {
  const cast = await createCast();
  await say(cast, 'before');
  let early = from === 0 ? await heaps(cast) : undefined;
  const targets = cast.relays.map(({ url }) => url);
  const attackers = await Attackers.start({
    ...{ targets, kinds: MALICE_KINDS, each, channels: [CHANNEL], seed: 1 },
  });
  const ids: string[] = [];
  while (attackers.seconds < seconds) {
    ids.push(await say(cast, `${ids.length}`));
    if (attackers.seconds >= from * seconds) early ??= await heaps(cast);
  }
  const late = await heaps(cast);
  for (const [i, heap] of late.entries())
    expect(heap, `${early?.join()} to ${late.join()} bytes`).toBeLessThan(growthMax * (early?.[i] ?? 0));
  await expectUnharmed(cast);
  await attackers.stop();
  await say(cast, 'after');
  const all = new Set((await cast.reader.read(CHANNEL)).map(({ id }) => id));
  expect(ids.filter((id) => !all.has(id))).toEqual([]);
  for (const inspector of cast.inspectors) inspector.close();
  return { messages: ids.length, done: MALICE_KINDS.map((kind) => [kind, attackers.countOf(kind)] as const) };
}
