import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MeshError } from '../../core/errors.ts';
import type { Gate } from '../../daemon/index.ts';
import type { LegacyMessageJson } from '../client/types.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

type History = NonNullable<Gate['legacy']>;
type Page = Parameters<History['messages']>[0];

const message: LegacyMessageJson = {
  verified: false,
  position: '7',
  id: 'an id of mesh/1',
  channel: 'dm:peer-a:peer-b',
  sender: 'peer-a',
  time: '2025-01-01T00:00:00.000Z',
  body: 'hello',
  payload: { a: 1 },
  signature: 'none',
  shortened: false,
};

class FakeHistory implements History {
  readonly file = '/old/mesh.db';
  readonly asked: Page[] = [];
  list: LegacyMessageJson[] = [message];

  async messages(page: Page) {
    this.asked.push(page);
    if (page.before === '404') throw new MeshError('not_found', 'No such position.');
    return this.list;
  }

  async channels() {
    return [{ channel: message.channel, messages: 1 }];
  }
}

let api: TestApi;
let history: FakeHistory;
beforeEach(async () => {
  api = await startTestApi([
    { token: 'reader', grant: { id: 'reader', scopes: ['messages:read'], identity: null } },
    { token: 'other', grant: { id: 'other', scopes: ['status', 'messages:write'], identity: null } },
  ]);
  history = new FakeHistory();
  (api.gate as Gate).legacy = history;
});
afterEach(() => api.stop());

const name = encodeURIComponent(message.channel);

describe('GET /v1/legacy/messages', () => {
  it('gives a page with the file that it is from', async () => {
    const answer = await api.ask(`/v1/legacy/messages?channel=${name}&limit=3&before=-9`);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ file: '/old/mesh.db', messages: [message] });
    await api.ask('/v1/legacy/messages?channel=%20not%20a%20name%20of%20ours%00');
    expect(history.asked).toEqual([
      { channel: message.channel, limit: 3, before: '-9' },
      { channel: ' not a name of ours\u0000', limit: 50 },
    ]);
  });

  it('refuses queries that do not fit, by name', async () => {
    const detail = async (query: string) => (await api.ask(`/v1/legacy/messages?${query}`)).json;
    expect(await detail('limit=5')).toMatchObject({ detail: expect.stringMatching(/^channel: /) });
    expect(await detail('channel=')).toMatchObject({ detail: expect.stringMatching(/^channel: /) });
    expect(await detail(`channel=${'x'.repeat(1025)}`)).toMatchObject({
      detail: expect.stringMatching(/^channel: /),
    });
    for (const limit of ['0', '1001', '-1', '1.5', 'x', ''])
      expect(await detail(`channel=x&limit=${limit}`)).toMatchObject({
        detail: expect.stringMatching(/^limit: /),
      });
    for (const before of ['', 'x', '1e3', '9'.repeat(20)])
      expect(await detail(`channel=x&before=${before}`)).toMatchObject({
        detail: expect.stringMatching(/^before: /),
      });
    expect(await detail('channel=x&after=1')).toMatchObject({ code: 'bad_request' });
    expect(await detail('channel=x&before=404')).toMatchObject({ code: 'not_found' });
    expect(history.asked).toHaveLength(1);
  });

  it('shows a payload that is nested too deeply as null', async () => {
    history.list = [{ ...message, payload: JSON.parse('['.repeat(30_000) + ']'.repeat(30_000)) }, message];
    const { json } = await api.ask('/v1/legacy/messages?channel=x');
    expect(json).toMatchObject({ messages: [{ payload: null }, { payload: { a: 1 } }] });
  });
});

describe('the routes of the unverified history', () => {
  it('name its channels', async () => {
    const channels = [{ channel: message.channel, messages: 1 }];
    expect((await api.ask('/v1/legacy/channels')).json).toEqual({ file: '/old/mesh.db', channels });
    expect(await api.codeOf('/v1/legacy/channels?x=1')).toBe('bad_request');
  });

  it('say that there is none where mesh/1 was not', async () => {
    delete (api.gate as Gate).legacy;
    for (const path of ['messages?channel=x', 'channels'])
      expect(await api.codeOf(`/v1/legacy/${path}`)).toBe('not_found');
  });

  it('need the scope of reading messages, and take GET only', async () => {
    const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    for (const path of ['/v1/legacy/messages?channel=x', '/v1/legacy/channels']) {
      expect((await api.ask(path, as('reader'))).status).toBe(200);
      expect(await api.codeOf(path, as('other'))).toBe('forbidden');
      expect(await api.codeOf(path, { method: 'POST', json: {} })).toBe('method_not_allowed');
    }
  });

  it('keep it apart from the messages of mesh/2', async () => {
    api.gate.add('lobby', 'new');
    history.list = [{ ...message, channel: 'lobby', body: 'old' }];
    const { text } = await api.ask('/v1/messages?channel=lobby');
    expect(text).toContain('new');
    expect(text).not.toContain('old');
    expect((await api.ask('/v1/channels')).text).not.toContain('dm:');
  });
});
