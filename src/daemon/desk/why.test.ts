/** What the desk says of a message, and why it did not wake the agent. */
import { describe, expect, it } from 'vitest';
import type { StoredMessage } from '../../store/index.ts';
import { anna, DeskBench, mallory, openBench } from './testing/bench.ts';

const stored = (bench: DeskBench, id: string): StoredMessage => bench.store.readMessage(id) as StoredMessage;
const whyOf = (bench: DeskBench, id: string) => bench.desk.why(stored(bench, id));

describe('the desk says of a message', () => {
  it('that it was for the agent, and what became of it', async () => {
    const bench = await openBench();
    const id = bench.mention('hello');
    await bench.until(() => bench.rows().length === 1);
    expect(whyOf(bench, id)).toMatchObject({
      kind: 'inbox',
      row: { id, author: anna.id, name: 'anna', state: 'waiting', reason: null },
    });
  });

  it('why it was passed over', async () => {
    const bench = await openBench();
    const stranger = bench.mention('hi', { author: mallory });
    const other = bench.post('not for the agent');
    const elsewhere = bench.mention('hi', { channel: 'other' });
    const last = bench.mention('the last one');
    await bench.until(() => bench.rows().length === 1);
    expect([stranger, other, elsewhere].map((id) => whyOf(bench, id))).toEqual([
      { kind: 'passed-over', because: 'stranger' },
      { kind: 'passed-over', because: 'not-meant' },
      { kind: 'passed-over', because: 'never' },
    ]);
    expect(whyOf(bench, last).kind).toBe('inbox');
  });

  it('that the channel did not wake yet when it came, and that nobody may wake an agent at all', async () => {
    const bench = new DeskBench();
    const id = bench.mention('before');
    expect(whyOf(bench, id)).toEqual({ kind: 'no-agent' });
    bench.desk.allow({ identity: anna.id });
    expect(whyOf(bench, id)).toEqual({ kind: 'no-agent' });
    await bench.desk.setWake({ channel: 'dev', wake: 'always' });
    expect(whyOf(bench, id)).toEqual({ kind: 'passed-over', because: 'before-wake' });
  });

  it('that the rules have changed since it was passed over', async () => {
    const bench = await openBench();
    const id = bench.mention('hi', { author: mallory });
    bench.mention('a later one');
    await bench.until(() => bench.rows().length === 1);
    bench.desk.allow({ identity: mallory.id });
    expect(whyOf(bench, id)).toEqual({ kind: 'passed-over', because: 'rules-changed' });
  });
});
