import { expect, it } from 'vitest';
import type { AttachedJson, InboxEvent } from '../../api/client/agent-types.ts';
import { MeshError } from '../../core/errors.ts';
import { ME, makeItem, TestPace } from './bridge.fixture.ts';
import { keepConnected, Reattach } from './connection.ts';

const attached: AttachedJson = { identity: ME, contacts: [], channels: [] };
const daemon = { url: 'http://127.0.0.1:1', token: 't', dataFolder: '/d' };

/** Runs the loop over scripted connections: lists of events, or a failure. @param lastMs how long each of them lasts */
async function run(connections: readonly (readonly InboxEvent[] | Error)[], lastMs = 0): Promise<string[]> {
  const heard: string[] = [];
  const ending = new AbortController();
  const pace = new TestPace();
  let next = 0;
  await keepConnected({
    dataFolder: '/d',
    signal: ending.signal,
    pace,
    find: () => daemon,
    open: async function* (_, { client }) {
      expect(client).toBe('openclaw');
      const connection = connections[next];
      next += 1;
      if (connection === undefined) return ending.abort();
      if (connection instanceof Error) throw connection;
      yield* connection;
      pace.waitedMs += lastMs;
    },
    reattach: new Reattach(),
    events: {
      attached: () => heard.push('attached'),
      item: async ({ number }) => void heard.push(`item ${number}`),
      lost: (reason, attempt) => heard.push(`lost ${attempt}: ${reason}`),
    },
  });
  return [...heard, `waited ${pace.waitedMs}`];
}

it('hands events on in their order, and connects again when the connection ends', async () => {
  const item = (number: number): InboxEvent => ({ kind: 'item', item: makeItem(number) });
  const heard = await run([
    [{ kind: 'attached', attached }, item(1), item(2)],
    [{ kind: 'attached', attached }],
  ]);
  expect(heard).toEqual([
    'attached',
    'item 1',
    'item 2',
    'lost 1: The daemon has ended the connection.',
    'attached',
    'lost 2: The daemon has ended the connection.',
    'waited 2250',
  ]);
});

it('comes back at once after a connection that lasted', async () => {
  const heard = await run([[{ kind: 'attached', attached }], [{ kind: 'attached', attached }]], 30_000);
  expect(heard.filter((line) => line.startsWith('lost'))).toEqual([
    'lost 1: The daemon has ended the connection.',
    'lost 1: The daemon has ended the connection.',
  ]);
});

it('ends a connection on request, and makes the next one', async () => {
  const [ending, reattach] = [new AbortController(), new Reattach()];
  let connections = 0;
  await keepConnected({
    dataFolder: '/d',
    signal: ending.signal,
    pace: new TestPace(),
    reattach,
    find: () => daemon,
    open: async function* (_, { signal }) {
      connections += 1;
      if (connections === 2) return ending.abort();
      yield { kind: 'attached', attached };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
    events: {
      attached: () => setImmediate(() => reattach.request()),
      item: async () => undefined,
      lost: () => undefined,
    },
  });
  expect(connections).toBe(2);
});

it('waits longer each time while nobody answers, and says why', async () => {
  const heard = await run([
    new MeshError('no_daemon', 'x.'),
    new MeshError('inbox_taken', 'y.'),
    new Error('z'),
  ]);
  expect(heard[0]).toMatch(/^lost 1: No daemon answers for this data folder\. x\. Start it/);
  expect(heard[1]).toMatch(/^lost 2: .* y\. /);
  expect(heard[2]).toBe('lost 3: z');
  expect(heard[3]).toBe('waited 5250');
});
