import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../core/bytes.ts';
import type { Scope } from '../core/contract.ts';
import { MeshError } from '../core/errors.ts';
import { EPHEMERAL_TEXT_MAX, LIMITS } from '../core/limits.ts';
import {
  PEER,
  published,
  received,
  signedMessage,
  unsignedMessage,
  WALL_MS,
} from '../store/testing/messages.ts';
import { bootstrapDocument } from './status.ts';
import { me, other, SNAPSHOT, setUp } from './testing/gate.ts';

const failing = (code: string) => expect.objectContaining({ code });

describe('publishing', () => {
  it('resolves with the reply, once the core has it', async () => {
    const { gate, events, commands } = setUp();
    const promise = gate.publish({ channel: 'dev', body: 'x' });
    expect(events).toMatchObject([
      { kind: 'publish', request: 1, command: { identity: me.id, channel: 'dev' } },
    ]);
    commands.answer(1, { kind: 'published', id: 'ID', isNew: true });
    expect(await promise).toEqual({ id: 'ID', state: 'queued', isNew: true });
  });

  it('tells the true state of a message that was published before under the same key', async () => {
    const { gate, commands, store } = setUp();
    const message = signedMessage(me, { channel: 'dev' });
    const id = message.message.idText;
    store.transact([
      [published(message, 'key')],
      [{ kind: 'delivery', ids: [id], state: 'stored', by: PEER }],
    ]);
    const promise = gate.publish({ channel: 'dev', body: 'x', idempotencyKey: 'key' });
    commands.answer(1, { kind: 'published', id, isNew: false });
    expect(await promise).toEqual({ id, state: 'stored', isNew: false });
  });

  it('rejects with the code of the core, and what is open when the daemon stops', async () => {
    const { gate, commands } = setUp();
    const [failed, open] = [gate.publish({ channel: 'dev', body: 'x' }), gate.join('dev')];
    commands.answer(1, { kind: 'failed', code: 'store_failed', detail: 'full' });
    await expect(failed).rejects.toEqual(failing('store_failed'));
    commands.close();
    await expect(open).rejects.toEqual(failing('stopping'));
    await expect(gate.join('dev')).rejects.toEqual(failing('stopping'));
  });

  it('of an ephemeral names the run, a new one where none was given', async () => {
    const { gate, events, commands } = setUp();
    const given = toBase64url(new Uint8Array(32).fill(3));
    const first = gate.publishEphemeral({ channel: 'cafe\u0301', kind: 'draft', text: 'x', run: given });
    const second = gate.publishEphemeral({ channel: 'dev', kind: 'activity' });
    for (const request of [1, 2]) commands.answer(request, { kind: 'taken' });
    expect(await first).toEqual({ channel: 'caf\u00e9', run: given });
    const { run } = await second;
    expect([run.length, run]).not.toEqual([43, given]);
    expect(events).toMatchObject([
      { kind: 'ephemeral', request: 1, command: { content: { kind: 'draft', text: 'x', state: 'open' } } },
      {
        kind: 'ephemeral',
        command: { identity: me.id, content: { kind: 'activity', doing: 'typing', text: '' } },
      },
    ]);
    const refused = { channel: 'dev', kind: 'draft' } as const;
    await expect(gate.publishEphemeral({ ...refused, doing: 'tool' })).rejects.toEqual(
      failing('bad_request'),
    );
    await expect(gate.publishEphemeral({ ...refused, run: 'x' })).rejects.toEqual(failing('bad_request'));
    await expect(gate.publishEphemeral({ ...refused, channel: '@x' })).rejects.toEqual(
      failing('bad_channel'),
    );
    await expect(gate.publishEphemeral({ ...refused, text: '\ud800' })).rejects.toEqual(failing('bad_text'));
    const long = { ...refused, text: 'x'.repeat(EPHEMERAL_TEXT_MAX + 1) };
    await expect(gate.publishEphemeral(long)).rejects.toEqual(failing('message_too_large'));
    const refs = Array.from({ length: 8 }, () => ({ relation: 'reply' as const, id: given }));
    await expect(gate.publishEphemeral({ ...refused, refs })).rejects.toEqual(failing('bad_request'));
    expect(events).toHaveLength(2);
  });

  it('refuses more commands in progress than the limit', async () => {
    const { gate, commands } = setUp();
    const open = Array.from({ length: LIMITS.publishesMax }, () =>
      gate.publish({ channel: 'dev', body: 'x' }),
    );
    await expect(gate.publish({ channel: 'dev', body: 'x' })).rejects.toEqual(failing('too_many_requests'));
    commands.close();
    expect((await Promise.allSettled(open)).every(({ status }) => status === 'rejected')).toBe(true);
  });
});

describe('joining', () => {
  it('normalises the name and refuses what is no open channel', async () => {
    const { gate, events, commands } = setUp();
    const promise = gate.join('cafe\u0301');
    expect(events).toEqual([{ kind: 'join', request: 1, channel: 'caf\u00e9' }]);
    commands.answer(1, { kind: 'joined', channel: 'caf\u00e9', isNew: true });
    expect(await promise).toEqual({ channel: 'caf\u00e9', isNew: true });
    await expect(gate.join('~x')).rejects.toEqual(failing('bad_channel'));
  });
});

describe('waiting for a state', () => {
  const own = () => {
    const parts = setUp();
    const message = signedMessage(me, { channel: 'dev' });
    parts.store.transact([[published(message)]]);
    return { ...parts, id: message.message.idText };
  };

  it('ends at once if it is reached, else when it is told, and not for less', async () => {
    const { gate, waits, id } = own();
    expect(await gate.waitFor(id, 'queued', 0)).toBe('queued');
    const promise = gate.waitFor(id, 'stored', 60_000);
    waits.tell(id, 'relayed');
    waits.tell('another', 'stored');
    waits.tell(id, 'stored');
    expect(await promise).toBe('stored');
  });

  it('ends with its time, its signal and the daemon', async () => {
    const { gate, waits, id } = own();
    await expect(gate.waitFor(id, 'relayed', 0)).rejects.toEqual(failing('wait_timeout'));
    const abort = new AbortController();
    const aborted = gate.waitFor(id, 'relayed', 60_000, abort.signal);
    abort.abort();
    await expect(aborted).rejects.toThrow();
    await expect(gate.waitFor(id, 'relayed', 60_000, abort.signal)).rejects.toThrow();
    const stopped = gate.waitFor(id, 'relayed', 60_000);
    waits.close(new MeshError('stopping'));
    await expect(stopped).rejects.toEqual(failing('stopping'));
  });

  it('is refused for messages of others and for unknown ids', async () => {
    const { gate, post } = own();
    await expect(gate.waitFor(post({}), 'stored', 1)).rejects.toEqual(failing('not_found'));
    await expect(gate.waitFor(me.id, 'stored', 1)).rejects.toEqual(failing('not_found'));
  });
});

describe('reading', () => {
  it('shows a message with all that is known of it', () => {
    const { gate, post } = setUp();
    const ref = toBase64url(new Uint8Array(32));
    const id = post({
      body: 'hi',
      payload: utf8('{"a":[1]}'),
      refs: [1, 77].map((relation) => ({ relation, id: new Uint8Array(32) })),
      expiresMs: WALL_MS + 1000,
      time: { counter: 3 },
    });
    expect(gate.message(id)).toEqual({
      id,
      arrival: 1,
      channel: 'dev',
      author: other.id,
      time: new Date(WALL_MS).toISOString(),
      counter: 3,
      body: 'hi',
      payload: { a: [1] },
      refs: [
        { relation: 'reply', id: ref },
        { relation: 77, id: ref },
      ],
      expires: new Date(WALL_MS + 1000).toISOString(),
      own: false,
      delivery: null,
    });
  });

  it('shows no payload that is not JSON, and survives an expiry beyond all dates', () => {
    const { gate, post } = setUp();
    for (const payload of [utf8('{'), Uint8Array.of(0xff)])
      expect(gate.message(post({ payload }))?.payload).toBeNull();
    expect(gate.message(post({ expiresMs: Number.MAX_SAFE_INTEGER }))?.expires).toBe(
      '+275760-09-13T00:00:00.000Z',
    );
  });

  it('hides unknown kinds and what has expired', () => {
    const { gate, post } = setUp();
    expect(gate.message(post({ kind: 9 }))).toBeUndefined();
    expect(gate.message(post({ expiresMs: WALL_MS }))).toBeUndefined();
    expect(gate.message('nonsense')).toBeUndefined();
  });

  it('gives the event loop a turn while it reads a long page', async () => {
    const { gate, store } = setUp();
    const all = Array.from({ length: 300 }, (_, i) =>
      received(unsignedMessage(other, { channel: 'dev', time: { timeMs: WALL_MS + i }, kind: 1 + (i % 2) })),
    );
    store.transact([all]);
    let turns = 0;
    const count = () => {
      turns += 1;
      ticking = setImmediate(count);
    };
    let ticking = setImmediate(count);
    const page = await gate.messages({ channel: 'dev', limit: 1000 });
    clearImmediate(ticking);
    expect(page).toHaveLength(150);
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  it('pages back and forth in order, and fills pages that hidden kinds thin out', async () => {
    const { gate, post } = setUp();
    const ids = Array.from({ length: 9 }, (_, i) =>
      post({ kind: i % 3 === 0 ? 9 : 1, time: { timeMs: WALL_MS + i } }),
    );
    const shown = ids.filter((_, i) => i % 3 !== 0) as [string, ...string[]];
    const page = async (options: { limit: number; before?: string; after?: string }) =>
      (await gate.messages({ channel: 'dev', ...options })).map(({ id }) => id);
    expect(await page({ limit: 100 })).toEqual(shown);
    expect(await page({ limit: 3 })).toEqual(shown.slice(-3));
    expect(await page({ limit: 3, before: shown[4] as string })).toEqual(shown.slice(1, 4));
    expect(await page({ limit: 3, after: shown[0] })).toEqual(shown.slice(1, 4));
    expect(await page({ limit: 3, after: shown.at(-1) as string })).toEqual([]);
  });

  it('reads long pages in the same order as short ones, in all directions', async () => {
    const { gate, store } = setUp();
    const all = Array.from({ length: 200 }, (_, i) =>
      unsignedMessage(other, { channel: 'dev', time: { timeMs: WALL_MS + i } }),
    );
    store.transact([all.map((message) => received(message))]);
    const ids = all.map(({ message }) => message.idText);
    const page = async (options: { before?: string; after?: string }) =>
      (await gate.messages({ channel: 'dev', limit: 150, ...options })).map(({ id }) => id);
    expect(await page({})).toEqual(ids.slice(50));
    expect(await page({ before: ids[190] as string })).toEqual(ids.slice(40, 190));
    expect(await page({ after: ids[10] as string })).toEqual(ids.slice(11, 161));
  });

  it('refuses limits out of range, two directions at once, and ids of other channels', async () => {
    const { gate, post } = setUp();
    const [here, there] = [post({}), post({ channel: 'ops' })];
    const read = (options: object) => gate.messages({ channel: 'dev', limit: 1, ...options });
    for (const limit of [0, 1.5, LIMITS.apiPageMax + 1])
      await expect(read({ limit })).rejects.toEqual(failing('bad_request'));
    await expect(read({ before: here, after: here })).rejects.toEqual(failing('bad_request'));
    await expect(read({ before: there })).rejects.toEqual(failing('not_found'));
    await expect(read({ channel: 'dm:x' })).rejects.toEqual(failing('bad_channel'));
  });
});

describe('the status', () => {
  it('joins what core, store and start know', () => {
    const { gate, store, post } = setUp();
    post({});
    store.transact([[published(signedMessage(me, { channel: 'dev' }))]]);
    expect(gate.status()).toMatchObject({
      version: '1.2.3',
      role: 'relay',
      identity: me.id,
      links: [{ peer: PEER, since: new Date(WALL_MS).toISOString() }],
      channels: [{ channel: 'dev', joined: true, messages: 2 }],
      outbox: 1,
      lastArrival: 2,
    });
    expect(gate.addresses()).toEqual([
      { url: 'ws://a/', peer: PEER, source: 'MESH_PEERS', state: 'linked', next: null, lastError: null },
    ]);
  });

  it('says why the last try of an address failed', () => {
    const failed = { url: 'ws://a/', peer: '', source: 'list', state: 'waiting', nextMs: WALL_MS } as const;
    const { gate } = setUp({ addresses: [{ ...failed, lastError: 'ECONNREFUSED' }] });
    expect(gate.addresses()).toMatchObject([
      { url: 'ws://a/', next: new Date(WALL_MS).toISOString(), lastError: 'ECONNREFUSED' },
    ]);
  });

  it('draws the map from the words of the core, with addresses only at a leaf', () => {
    const { gate } = setUp();
    const map = gate.map('dev');
    const relay = { hops: null, parent: null, links: [], claims: [], wants: false, onPath: false };
    expect(map).toMatchObject({ peer: me.id, role: 'relay', channel: 'dev', home: [], addresses: [] });
    expect(map.links).toEqual([{ peer: PEER, kind: 'overlay', url: null, roundTripMs: 0.3, wants: false }]);
    expect(map.relays).toEqual([
      { ...relay, peer: me.id, urls: [], hops: 0, links: [PEER], channels: 1, wants: true, onPath: true },
      {
        ...{ ...relay, peer: PEER, urls: ['ws://a/'], hops: 1, parent: me.id, links: [me.id] },
        ...{ claims: [other.id], channels: 2 },
      },
      { ...relay, peer: other.id, urls: [], channels: 0 },
    ]);
    expect(gate.map().channel).toBeNull();
    expect(() => gate.map('dm:x')).toThrow(expect.objectContaining({ code: 'bad_channel' }));
    const overview = { isRelay: false, relays: [], links: [], home: [] };
    expect(setUp({}, overview).gate.map()).toMatchObject({
      ...{ role: 'leaf', relays: [] },
      addresses: [{ url: 'ws://a/', peer: PEER }],
    });
  });

  it('lists an address only to askers at least as close as it is', () => {
    const urls = [
      ['ws://127.0.0.1:5000/', 'loopback'],
      ['ws://localhost:5000/', 'loopback'],
      ['ws://[::1]:5000/', 'loopback'],
      ['ws://10.0.0.7:5000/', 'private'],
      ['ws://[fd00::7]:5000/', 'private'],
      ['ws://8.8.8.8:5000/', 'public'],
      ['wss://relay.example/', 'public'],
    ] as const;
    const all = urls.map(([url]) => url);
    const snapshot = { ...SNAPSHOT, ownUrls: all, provenRelays: [{ peer: PEER, urls: all }] };
    const seen = (asker: Scope) => {
      const { peers } = bootstrapDocument(snapshot, me.id, WALL_MS, asker) as { peers: { ws_url: string }[] };
      return peers.map(({ ws_url }) => ws_url);
    };
    expect(seen('loopback')).toEqual([...all, ...all]);
    expect(seen('private')).toEqual([...all.slice(3), ...all.slice(3)]);
    expect(seen('public')).toEqual([...all.slice(5), ...all.slice(5)]);
  });

  it('lists this daemon and proven relays for the public, in the form of mesh/1', () => {
    expect(bootstrapDocument(SNAPSHOT, me.id, WALL_MS, 'public')).toEqual({
      version: 1,
      peers: [
        { peer_id: me.id, ws_url: 'ws://me/', capabilities: { relay: true, store: true } },
        { peer_id: PEER, ws_url: 'ws://a/', capabilities: { relay: true, store: true } },
        { peer_id: PEER, ws_url: 'ws://b/', capabilities: { relay: true, store: true } },
      ],
      updated_at: new Date(WALL_MS).toISOString(),
    });
  });
});
