/** GET /v1/messages/{id}/why and GET /v1/tap: who may, what is passed on, what is refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTap } from '../client/tap.ts';
import type { TapItemJson } from '../client/tap-types.ts';
import { IDENTITY } from '../testing/fake-gate.ts';
import { TAPPED, whyOf } from '../testing/fake-why.ts';
import { startTestApi, type TestApi } from '../testing/harness.ts';

const grant = (scopes: readonly ('status' | 'messages:read' | 'messages:write' | 'agent')[]) => {
  const id = `scopes-${scopes.length}`;
  return { token: id, grant: { id, scopes, identity: IDENTITY } };
};
/** what the program of an agent has; see `door.ts` */
const AGENT = grant(['status', 'messages:read', 'messages:write', 'agent']);
const READER = grant(['messages:read']);
const as = ({ token }: { readonly token: string }) => ({ headers: { authorization: `Bearer ${token}` } });

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi([AGENT, READER]);
  api.gate.tapped = TAPPED;
});
afterEach(() => api.stop());

describe('the explanation of a message', () => {
  it('is given for an id and for its beginning', async () => {
    const why = whyOf();
    api.gate.whys.set(why.id, why).set(why.id.slice(0, 6), why);
    for (const id of [why.id, why.id.slice(0, 6)])
      expect((await api.ask(`/v1/messages/${id}/why`)).json).toEqual(why);
  });

  it('is for those who may read messages and see the status', async () => {
    const why = whyOf();
    api.gate.whys.set(why.id, why);
    expect((await api.ask(`/v1/messages/${why.id}/why`, as(AGENT))).status).toBe(200);
    expect(await api.codeOf(`/v1/messages/${why.id}/why`, as(READER))).toBe('forbidden');
  });

  it('takes no query and no other path', async () => {
    expect(await api.codeOf('/v1/messages/AAAAAA/why')).toBe('not_found');
    expect(await api.codeOf('/v1/messages/AAAAAA/why?x=1')).toBe('bad_request');
    expect(await api.codeOf('/v1/messages//why')).toBe('not_found');
    expect(await api.codeOf('/v1/messages/a/b/why')).toBe('not_found');
    expect(await api.codeOf('/v1/messages/AAAAAA/why', { json: {} })).toBe('method_not_allowed');
  });
});

describe('a tap', () => {
  async function tap(options: { peer?: string; types?: readonly string[] } = {}): Promise<TapItemJson[]> {
    const daemon = { url: api.url, token: api.owner.token, dataFolder: api.folder };
    const items: TapItemJson[] = [];
    for await (const item of openTap(daemon, { ...options, signal: new AbortController().signal }))
      items.push(item);
    return items;
  }

  it('gives every item as an event, and ends with the word of the daemon', async () => {
    expect(await tap()).toEqual(TAPPED);
  });

  it('passes the filter on', async () => {
    await tap({ peer: 'NNNNNN', types: ['push', 'mailbox-kept', 'closed'] });
    await tap();
    expect(api.gate.taps).toMatchObject([
      { peer: 'NNNNNN', types: ['push', 'mailbox-kept', 'closed'] },
      { peer: undefined, types: undefined },
    ]);
  });

  it.each(['type=', 'type=pushh', 'type=push,stored', 'peer=abc', 'peer=a%20b%20c%20d', 'x=1'])(
    'does not take "%s"',
    async (query) => {
      expect(await api.codeOf(`/v1/tap?${query}`)).toBe('bad_request');
      expect(api.gate.taps).toEqual([]);
    },
  );

  it('is for the owner alone: the token of an agent is refused', async () => {
    expect(await api.codeOf('/v1/tap', as(AGENT))).toBe('forbidden');
    expect(api.gate.taps).toEqual([]);
  });
});
