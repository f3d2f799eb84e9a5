import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Grant } from '../grants.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

const BLIND: Grant = { id: 'writer', scopes: ['messages:write'], identity: null };

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi([{ token: 'blind', grant: BLIND }]);
});
afterEach(() => api.stop());

/** A line of the format: a comment, or a name with its labels and a number. */
const LINE =
  /^(?:# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ (?:gauge|counter))|[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\[\\n"])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\n"])*")*\})? -?[\d.e+-]+)$/;

describe('GET /metrics', () => {
  it('is text of the format, with each label escaped', async () => {
    api.gate.families = [
      {
        name: 'mesh_info',
        type: 'gauge',
        help: 'What\nruns',
        samples: [{ labels: { version: 'a"b\\c\nd', role: 'leaf' }, value: 1 }],
      },
      { name: 'mesh_none', type: 'counter', help: 'Nothing', samples: [] },
      { name: 'mesh_some', type: 'counter', help: 'Some', samples: [{ labels: {}, value: 2.5e-7 }] },
    ];
    const { status, headers, text } = await api.ask('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('mesh_info{version="a\\"b\\\\c\\nd",role="leaf"} 1\n');
    expect(text.endsWith('mesh_some 2.5e-7\n')).toBe(true);
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(LINE);
  });

  it('is for those who may see the status, and for nobody without a token', async () => {
    const asked = async (headers: Record<string, string>) => (await api.ask('/metrics', { headers })).json;
    expect(await asked({ authorization: 'Bearer blind' })).toMatchObject({ code: 'forbidden' });
    expect(await asked({ authorization: 'Bearer x' })).toMatchObject({ code: 'unauthenticated' });
  });
});
