import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeId, IDENTITY } from '../testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

const READER = {
  token: `mesh_${'r'.repeat(42)}A`,
  grant: { id: 'reader', scopes: ['messages:read'], identity: null },
} as const;

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi([READER]);
});
afterEach(() => api.stop());

const say = (json: unknown) => api.ask('/v1/ephemerals', { json });

describe('POST /v1/ephemerals', () => {
  it('hands over a draft and says of which run it is', async () => {
    const answer = await say({ channel: 'dev', kind: 'draft', text: 'It is' });
    expect([answer.status, answer.json]).toEqual([202, { channel: 'dev', run: fakeId('a new run') }]);
    expect(api.gate.ephemeralRequests).toEqual([{ channel: 'dev', kind: 'draft', text: 'It is', refs: [] }]);
    expect(api.gate.list).toEqual([]);
  });

  it('hands each field to the gate: reply and thread become refs, names become NFC', async () => {
    const [run, reply, thread] = [fakeId('x'), fakeId('r'), fakeId('t')];
    const rest = { kind: 'activity', run, text: 'search', state: 'ended', doing: 'tool', identity: IDENTITY };
    expect((await say({ channel: 'cafe\u0301', reply, thread, ...rest })).json).toEqual({
      channel: 'caf\u00e9',
      run,
    });
    const refs = [
      { relation: 'reply', id: reply },
      { relation: 'thread', id: thread },
    ];
    expect(api.gate.ephemeralRequests).toEqual([{ channel: 'caf\u00e9', refs, ...rest }]);
  });

  it.each([
    ['without a kind', { channel: 'dev' }, 'bad_request'],
    ['of another kind', { channel: 'dev', kind: 'post' }, 'bad_request'],
    ['with a run that is no id', { channel: 'dev', kind: 'draft', run: 'x' }, 'bad_request'],
    ['with another state', { channel: 'dev', kind: 'draft', state: 'over' }, 'bad_request'],
    ['with another activity', { channel: 'dev', kind: 'activity', doing: 'sleeping' }, 'bad_request'],
    ['with a payload', { channel: 'dev', kind: 'draft', payload: {} }, 'bad_request'],
    ['with half a character', { channel: 'dev', kind: 'draft', text: '\ud800' }, 'bad_text'],
    ['in no channel', { channel: 'dm:x', kind: 'draft' }, 'bad_channel'],
  ])('refuses one %s', async (_, json, code) => {
    expect(await api.codeOf('/v1/ephemerals', { json })).toBe(code);
    expect(api.gate.ephemeralRequests).toEqual([]);
  });

  it('needs the scope to write', async () => {
    const headers = { authorization: `Bearer ${READER.token}` };
    const json = { channel: 'dev', kind: 'draft' };
    expect(await api.codeOf('/v1/ephemerals', { json, headers })).toBe('forbidden');
  });
});
