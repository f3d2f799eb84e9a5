/** What the agent gets of messages that their authors edited or deleted meanwhile, over either store. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { idFromText } from '../../core/bytes.ts';
import { RELATION } from '../../core/message/message.ts';
import { sha256 } from '../../crypto/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { NETWORK } from '../../store/testing/messages.ts';
import { type DeskBench, openBench } from './testing/bench.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

const STORES: readonly (readonly [string, () => Store])[] = [
  ['the memory store', () => createMemoryStore({ network: NETWORK, sha256 })],
  [
    'SQLite',
    () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-desk-'));
      const store = openStore({ path: path.join(folder, 'store.db'), network: NETWORK, sha256 });
      cleanUps.push(() => {
        store.close();
        fs.rmSync(folder, { recursive: true });
      });
      return store;
    },
  ],
];

const refs = (relation: number, id: string) => [{ relation, id: idFromText(id) as Uint8Array }];

describe.each(STORES)('an inbox over %s', (_, createStore) => {
  const open = async (): Promise<{ bench: DeskBench; ids: string[] }> => {
    const bench = await openBench({}, createStore());
    cleanUps.push(() => bench.desk.close());
    const ids = ['one', 'two', 'three'].map((text) => bench.mention(text));
    await bench.until(() => bench.rows().length === 3);
    return { bench, ids };
  };
  const remove = (bench: DeskBench, id: string) =>
    bench.post('', { kind: 2, refs: refs(RELATION.delete, id) });

  it('drops what was deleted while it waited, and says why', async () => {
    const { bench, ids } = await open();
    remove(bench, ids[1] as string);
    const client = bench.attach();
    await client.item(2);
    expect(client.items.map(({ message }) => message.id)).toEqual([ids[0], ids[2]]);
    expect(bench.rows()).toMatchObject([
      { state: 'handed', reason: null },
      { state: 'unanswered', reason: 'deleted', attempts: 0 },
      { state: 'handed', reason: null },
    ]);
  });

  it('does not hand over again what was deleted after it was handed over', async () => {
    const { bench, ids } = await open();
    const first = bench.attach();
    await first.item(3);
    remove(bench, ids[0] as string);
    await first.close();
    bench.restart();
    const second = bench.attach();
    await second.item(2);
    expect(second.items.map(({ message }) => message.id)).toEqual([ids[1], ids[2]]);
    expect(bench.rows()[0]).toMatchObject({ state: 'unanswered', reason: 'deleted', attempts: 1 });
  });

  it('lets what was deleted after it was handed over be acknowledged and answered as ever', async () => {
    const { bench, ids } = await open();
    const client = bench.attach();
    const { number, attempt } = await client.item(1);
    remove(bench, ids[0] as string);
    await bench.desk.answer({ number, part: 1, body: 'too late' });
    expect(bench.desk.acknowledge({ number, attempt, outcome: 'done' })).toEqual({
      number,
      state: 'answered',
    });
  });

  it('hands over the newest text of what was edited while it waited', async () => {
    const { bench, ids } = await open();
    for (const text of ['better', 'best']) bench.post(text, { refs: refs(RELATION.edit, ids[0] as string) });
    const client = bench.attach();
    await client.item(3);
    expect(client.items[0]?.message).toMatchObject({ id: ids[0], body: 'best', edited: expect.any(String) });
    expect(client.items.map(({ message }) => message.id)).toEqual(ids);
    await bench.settled();
    expect(bench.rows()).toHaveLength(3);
  });

  it('hands over what is left when the newest edit is deleted', async () => {
    const { bench, ids } = await open();
    const [, last] = ['better', 'best'].map((text) =>
      bench.post(text, { refs: refs(RELATION.edit, ids[0] as string) }),
    );
    remove(bench, last as string);
    expect((await bench.attach().item(1)).message).toMatchObject({ id: ids[0], body: 'better' });
  });
});
