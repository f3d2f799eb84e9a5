import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '../client/client.ts';
import type { ProblemJson } from '../client/types.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

const WRITER = {
  token: `mesh_${'w'.repeat(42)}A`,
  grant: { id: 'writer', scopes: ['messages:write', 'status'], identity: null },
} as const;
const MiB = 2 ** 20;
const DEFAULTS = { days: 90, messages: 1_000_000, bytes: 1024 * MiB, pinned: false, isOwn: false };

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi([WRITER]);
});
afterEach(() => api.stop());

const leave = (json: unknown) => api.ask('/v1/channels/leave', { json });
const retain = (json: unknown) => api.ask('/v1/channels/retention', { json });

describe('GET /v1/channels', () => {
  it('lists channels with what they cost, since when they are kept, and what holds for joined ones', async () => {
    api.gate.joined.add('#dev');
    api.gate.add('lobby', 'x');
    const { json } = await api.ask('/v1/channels');
    const since = '2026-11-20T12:00:00.000Z';
    expect(json).toEqual({
      channels: [
        { channel: '#dev', joined: true, messages: 0, bytes: 0, since, retention: DEFAULTS },
        { channel: 'lobby', joined: false, messages: 1, bytes: 1024, since, retention: null },
      ],
    });
  });
});

describe('POST /v1/channels/leave', () => {
  it('leaves a channel whatever characters its name has, and says whether it was joined', async () => {
    for (const channel of ['#dev', 'a/b', '50% off?', 'ünï ☃']) {
      api.gate.joined.add(channel);
      expect((await leave({ channel })).json).toEqual({ channel, wasJoined: true });
      const again = await leave({ channel });
      expect([again.status, again.json]).toEqual([200, { channel, wasJoined: false }]);
    }
    expect(api.gate.joined.size).toBe(0);
  });

  it('refuses what is no channel, unknown fields, a query and other methods', async () => {
    expect((await leave({ channel: 'dm:x' })).json).toMatchObject({ code: 'bad_channel' });
    expect((await leave({ channel: 'dev', force: true })).json).toMatchObject({ code: 'bad_request' });
    expect(await api.codeOf('/v1/channels/leave?channel=dev', { json: { channel: 'dev' } })).toBe(
      'bad_request',
    );
    expect(await api.codeOf('/v1/channels/leave')).toBe('method_not_allowed');
    expect(await api.codeOf('/v1/channels', { method: 'DELETE' })).toBe('method_not_allowed');
  });
});

describe('POST /v1/channels/retention', () => {
  it('replaces what is set and answers with the channel', async () => {
    api.gate.joined.add('#dev');
    const first = await retain({ channel: '#dev', days: 30, pinned: true });
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({
      channel: '#dev',
      retention: { ...DEFAULTS, days: 30, pinned: true, isOwn: true },
    });
    expect((await retain({ channel: '#dev', messages: 0, bytes: MiB })).json).toMatchObject({
      retention: { ...DEFAULTS, messages: 0, bytes: MiB, isOwn: true },
    });
    expect((await retain({ channel: '#dev' })).json).toMatchObject({ retention: DEFAULTS });
  });

  it('is refused with what is allowed', async () => {
    api.gate.joined.add('dev');
    const detail = async (fields: object) =>
      ((await retain({ channel: 'dev', ...fields })).json as ProblemJson).detail;
    expect(await detail({ days: 0 })).toContain('1 to 36500');
    expect(await detail({ days: 1.5 })).toMatch(/^days: /);
    expect(await detail({ messages: -1 })).toContain('0 to 1000000000');
    expect(await detail({ bytes: 5 })).toContain('1048576 to');
    expect(await detail({ bytes: '100MB' })).toMatch(/^bytes: /);
    expect(await detail({ pinned: 1 })).toMatch(/^pinned: /);
    expect(await detail({ weeks: 1 })).toContain('"weeks"');
    expect((await retain({ channel: 'ops', days: 1 })).json).toMatchObject({ code: 'not_found' });
    expect(api.gate.policies.size).toBe(0);
  });
});

describe('changing channels', () => {
  it('needs the scope channels:write', async () => {
    const headers = { authorization: `Bearer ${WRITER.token}` };
    for (const path of ['/v1/channels', '/v1/channels/leave', '/v1/channels/retention'])
      expect(await api.codeOf(path, { headers, json: { channel: 'dev' } })).toBe('forbidden');
    expect((await api.ask('/v1/channels', { headers })).status).toBe(200);
  });

  it('has its methods in the client', async () => {
    const client = new Client({ url: api.url, token: api.owner.token, dataFolder: api.folder });
    await client.join('a/b#c');
    expect(await client.setRetention({ channel: 'a/b#c', days: 2 })).toMatchObject({
      retention: { days: 2, isOwn: true },
    });
    expect(await client.leave('a/b#c')).toEqual({ channel: 'a/b#c', wasJoined: true });
    await expect(client.setRetention({ channel: 'a/b#c' })).rejects.toMatchObject({ code: 'not_found' });
    expect((await client.status()).retention).toMatchObject({ carried: { days: 7, bytes: 64 * MiB } });
    client.close();
  });
});
