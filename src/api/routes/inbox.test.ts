import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGrants, OWNER } from '../grants.ts';
import { type FakeAgent, inboxRow } from '../testing/fake-agent.ts';
import { IDENTITY, STRANGER } from '../testing/fake-gate.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

const AGENT = {
  token: `mesh_${'A'.repeat(43)}`,
  grant: {
    id: 'agent',
    scopes: ['status', 'messages:read', 'messages:write', 'agent'],
    identity: IDENTITY,
  },
} as const;

let api: TestApi;
let agent: FakeAgent;
beforeEach(async () => {
  api = await startTestApi([AGENT]);
  agent = api.gate.agent;
  agent.rows = [inboxRow()];
});
afterEach(() => api.stop());

const asAgent = { authorization: `Bearer ${AGENT.token}` };

describe('what an agent may', () => {
  it('is take, acknowledge and answer; not say who else may wake it', async () => {
    const ask = (path: string, json: object) => api.codeOf(path, { json, headers: asAgent });
    expect(await ask('/v1/contacts', { identity: STRANGER })).toBe('forbidden');
    expect(await ask('/v1/contacts/remove', { identity: STRANGER })).toBe('forbidden');
    expect(await ask('/v1/channels/wake', { channel: 'dev', wake: 'always' })).toBe('forbidden');
    expect(await ask('/v1/channels', { channel: 'dev' })).toBe('forbidden');
    expect(await ask('/v1/channels/retention', { channel: 'dev', days: 1 })).toBe('forbidden');
    const ack = { number: 1, attempt: 1, outcome: 'done' };
    expect((await api.ask('/v1/inbox/ack', { json: ack, headers: asAgent })).json).toMatchObject({
      number: 1,
    });
    const answer = { number: 1, part: 1, body: 'hello' };
    expect((await api.ask('/v1/inbox/answers', { json: answer, headers: asAgent })).status).toBe(201);
    expect((await api.ask('/v1/inbox/answers', { json: answer, headers: asAgent })).status).toBe(200);
    expect((await api.ask('/v1/contacts', { headers: asAgent })).json).toEqual({ contacts: [] });
  });

  it('needs the scope of agents', () => {
    const entry = { token: 'mesh_b', grant: { ...OWNER, id: 'b', scopes: ['status'] as const } };
    expect(createGrants([entry]).find('mesh_b')?.scopes).not.toContain('agent');
  });
});

describe('what is refused', () => {
  it.each([
    ['/v1/inbox/ack', { number: 0, attempt: 1, outcome: 'done' }],
    ['/v1/inbox/ack', { number: 1, attempt: 0, outcome: 'done' }],
    ['/v1/inbox/ack', { number: 1, attempt: 1, outcome: 'maybe' }],
    ['/v1/inbox/ack', { number: 1, attempt: 1, outcome: 'done', more: 1 }],
    ['/v1/inbox/answers', { number: 1, part: 0, body: 'x' }],
    ['/v1/inbox/answers', { number: 1, part: 65, body: 'x' }],
    ['/v1/inbox/answers', { number: 1, part: 1, body: '' }],
    ['/v1/inbox/answers', { number: 1.5, part: 1, body: 'x' }],
    ['/v1/inbox/answers', { number: 1, part: 1, body: 'x', also: Array.from({ length: 17 }, () => 1) }],
    ['/v1/contacts', { identity: 'x' }],
    ['/v1/contacts', { identity: STRANGER, name: '' }],
    ['/v1/channels/wake', { channel: 'dev', wake: 'sometimes' }],
    ['/v1/channels/wake', { channel: 'dev', wake: 'always', names: Array.from({ length: 9 }, () => 'x') }],
  ])('%s %j', async (path, json) => {
    expect(await api.codeOf(path, { json })).toBe('bad_request');
    expect([agent.acks, agent.answers, agent.people.size, agent.rules.size]).toEqual([[], [], 0, 0]);
  });

  it('is text that is no Unicode, and a channel that is none', async () => {
    const raw = (path: string, text: string) =>
      api.codeOf(path, { method: 'POST', body: text, headers: { 'content-type': 'application/json' } });
    expect(await raw('/v1/inbox/answers', '{"number":1,"part":1,"body":"\\ud800"}')).toBe('bad_text');
    expect(await raw('/v1/contacts', `{"identity":"${STRANGER}","name":"\\ud800"}`)).toBe('bad_text');
    expect(await raw('/v1/channels/wake', '{"channel":"~x","wake":"always"}')).toBe('bad_channel');
  });

  it('is what the inbox does not have', async () => {
    expect(await api.codeOf('/v1/inbox/ack', { json: { number: 9, attempt: 1, outcome: 'done' } })).toBe(
      'not_found',
    );
    expect(await api.codeOf('/v1/inbox/answers', { json: { number: 9, part: 1, body: 'x' } })).toBe(
      'not_found',
    );
    for (const query of ['limit=0', 'limit=1001', 'before=0', 'before=x', 'more=1'])
      expect(await api.codeOf(`/v1/inbox?${query}`), query).toBe('bad_request');
  });
});

it('a page of the inbox', async () => {
  agent.rows = [1, 2, 3].map((number) => inboxRow({ number }));
  const numbers = async (query: string) =>
    ((await api.ask(`/v1/inbox${query}`)).json as { items: { number: number }[] }).items.map(
      ({ number }) => number,
    );
  expect([await numbers(''), await numbers('?limit=2'), await numbers('?before=3&limit=1')]).toEqual([
    [1, 2, 3],
    [2, 3],
    [2],
  ]);
});
