import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyOf } from '../../api/testing/fake-why.ts';
import { startTestApi, type TestApi } from '../../api/testing/harness.ts';
import { runCli } from '../testing/run-cli.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(() => api.stop());

const run = (...argv: readonly string[]) => runCli([...argv, '--data', api.folder]);

describe('mesh edit and mesh delete', () => {
  it('publish what names an own message in its channel, once for each key', async () => {
    await run('send', '#dev', 'helo');
    const id = api.gate.list[0]?.id as string;
    for (const text of [id, id.slice(0, 8)]) api.gate.whys.set(text, whyOf({ id }));
    const edited = await run('edit', id, 'hello', '--idempotency-key', 'k');
    expect([edited.code, edited.stdout]).toEqual([0, `${api.gate.list[1]?.id} queued\n`]);
    await run('delete', id.slice(0, 8));
    expect(api.gate.requests.slice(1)).toEqual([
      { channel: '#dev', body: 'hello', refs: [{ relation: 'edit', id }], idempotencyKey: 'k' },
      { channel: '#dev', body: '', refs: [{ relation: 'delete', id }] },
    ]);
  });

  it('refuse an empty text, and a message that is not here', async () => {
    await run('send', '#dev', 'hello');
    const id = api.gate.list[0]?.id as string;
    expect((await run('edit', id, '')).code).toBe(2);
    expect(
      (
        await run(
          'delete',
          id.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
        )
      ).code,
    ).not.toBe(0);
    expect(api.gate.requests).toHaveLength(1);
  });
});
