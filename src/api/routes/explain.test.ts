/** GET /v1/messages/{id}/why, GET /v1/map and GET /v1/tap: who may, what is passed on, what is refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { Client } from '../client/client.ts';
import { openTap } from '../client/tap.ts';
import type { TapItemJson } from '../client/tap-types.ts';
import { fakeId, IDENTITY } from '../testing/fake-gate.ts';
import { DEV_MAP, LEAF_MAP, MAP, mapRelay } from '../testing/fake-map.ts';
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

describe('the map', () => {
  it('is given whole, and with the way of a channel', async () => {
    expect((await api.ask('/v1/map', as(AGENT))).json).toEqual(MAP);
    expect((await api.ask('/v1/map?channel=%23dev')).json).toEqual(DEV_MAP);
    const { token } = api.owner;
    const client = new Client({ url: api.url, token, dataFolder: api.folder });
    expect([await client.map(), await client.map('#dev')]).toEqual([MAP, DEV_MAP]);
    client.close();
  });

  it('of a leaf has no relays', async () => {
    api.gate.maps.set('', LEAF_MAP);
    expect((await api.ask('/v1/map')).json).toEqual(LEAF_MAP);
  });

  it('of 4096 relays with 12 links each comes whole', async () => {
    const peers = Array.from({ length: LIMITS.relaysMax }, (_, i) => fakeId(`relay ${i}`));
    const links = peers.slice(0, LIMITS.recordLinksMax);
    const urls = Array(LIMITS.recordAddressesMax).fill(`ws://${'x'.repeat(LIMITS.urlBytesMax - 6)}/`);
    const map = { ...MAP, relays: peers.map((peer) => mapRelay(peer, { links, urls })) };
    api.gate.maps.set('', map);
    expect((await api.ask('/v1/map')).json).toEqual(map);
  });

  it('takes a channel once, and nothing else', async () => {
    for (const query of ['channel=a&channel=b', 'x=1'])
      expect(await api.codeOf(`/v1/map?${query}`)).toBe('bad_request');
    for (const query of ['channel=', 'channel=nowhere'])
      expect(await api.codeOf(`/v1/map?${query}`)).toBe('bad_channel');
    expect(await api.codeOf('/v1/map', as(READER))).toBe('forbidden');
  });
});
