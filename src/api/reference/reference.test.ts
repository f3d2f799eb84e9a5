/**
 * The words of the routes against the routes: each takes what its words say, and answers what they say. The schemas that a
 * route checks are noted while it runs, because only the route itself knows them.
 */
import http from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gate } from '../../daemon/index.ts';
import type { InboxEvent } from '../client/agent-types.ts';
import { openInbox } from '../client/inbox.ts';
import type { ServerFrame } from '../client/types.ts';
import { ROUTES } from '../router.ts';
import { check, noQuerySchema } from '../schemas.ts';
import { type FakeAgent, inboxItem, inboxRow } from '../testing/fake-agent.ts';
import { fakeId } from '../testing/fake-gate.ts';
import { DEV_MAP, LEAF_MAP } from '../testing/fake-map.ts';
import { allWhys, TAPPED, whyOf } from '../testing/fake-why.ts';
import { type Answer, startTestApi, type TestApi } from '../testing/harness.ts';
import { attachedShape, inboxItemShape } from './agent-shapes.ts';
import { mapShape } from './map-shapes.ts';
import { ROUTE_WORDS } from './routes.ts';
import { problemShape } from './shapes.ts';
import { SERVER_FRAMES, serverFrameShape } from './stream.ts';
import { tapItemShape } from './tap-shapes.ts';
import { whyShape } from './why-shapes.ts';
import { type Fields, TEXT_TYPES } from './words.ts';

vi.mock('../schemas.ts', async (original) => {
  const real = await original<{ readonly check: typeof check }>();
  return { ...real, check: vi.fn(real.check) };
});

const ID = fakeId('a message');
const TIME = '2026-11-20T12:00:00.000Z';
let api: TestApi;

function fillAgent(agent: FakeAgent): void {
  agent.allow({ identity: ID, name: 'anna' });
  agent.rules.set('dev', { channel: 'dev', wake: 'mention', names: ['robo'] });
  agent.rows = [inboxRow({ state: 'held', reason: 'too-old' })];
  const attached = { identity: ID, contacts: agent.contacts(), channels: [...agent.rules.values()] };
  agent.events = [
    { kind: 'attached', attached },
    { kind: 'item', item: inboxItem() },
  ];
}

/** Something of everything, so that no field goes untested. */
beforeEach(async () => {
  api = await startTestApi();
  const { gate } = api;
  gate.joined.add('dev');
  gate.add('dev', 'from elsewhere', { id: ID, refs: [{ relation: 'reply', id: ID }] });
  gate.add('dev', 'own', {
    own: true,
    payload: { a: 1 },
    refs: [{ relation: 77, id: ID }],
    expires: TIME,
    delivery: { state: 'stored', storedBy: [ID] },
  });
  gate.overrides = {
    links: [
      {
        protocol: 'mesh/2',
        peer: ID,
        direction: 'out',
        url: 'ws://x/',
        kind: 'overlay',
        protection: 'tls',
        since: TIME,
        agent: 'x',
        unverified: 0,
        agreement: 'unknown',
        agreementSince: null,
        fetching: 0,
        catchUp: null,
      },
    ],
    sources: [
      { source: 'x', state: 'waiting', peers: 0, code: null, detail: '', at: null },
      { source: 'y', state: 'failed', peers: 0, code: 'bootstrap_invalid', detail: 'y', at: TIME },
    ],
    problems: [{ code: 'port_in_use', detail: 'x', at: TIME }],
  };
  fillAgent(gate.agent);
  gate.whys.set(ID, whyOf());
  gate.tapped = TAPPED;
  const old = { verified: false, position: '1', id: 'x', channel: 'dev', sender: 'x', time: 'x' } as const;
  (gate as Gate).legacy = {
    file: '/x/mesh.db',
    messages: async () => [{ ...old, body: 'x', payload: null, signature: 'none', shortened: false }],
    channels: async () => [{ channel: 'dev', messages: 1 }],
  };
});
afterEach(async () => {
  vi.mocked(check).mockClear();
  await api.stop();
});

/** Where a needed field takes more than some text. */
const SAMPLES: Record<string, string | number> = {
  ...{ channel: 'dev', identity: ID, wake: 'mention' },
  kind: 'draft',
  ...{ number: 1, attempt: 1, outcome: 'done', part: 1 },
};

const textsOf = (values: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** A value that fits each field that is needed. */
function sample({ words, schema }: Fields): Record<string, string | number> {
  const full = Object.fromEntries(Object.keys(words).map((name) => [name, SAMPLES[name] ?? 'x']));
  return Object.fromEntries(
    Object.entries(full).filter(([name]) => {
      const { [name]: _, ...rest } = full;
      const issues = schema.safeParse(rest).error?.issues ?? [];
      return issues.some((issue) => issue.path[0] === name);
    }),
  );
}

/** Asks a route for what its words say that it needs. A stream of events is broken off at its head. */
function ask(name: string): Promise<Answer> {
  const [method = '', path = ''] = name.split(' ');
  const words = ROUTE_WORDS[name];
  const query = words?.query === undefined ? '' : `?${new URLSearchParams(textsOf(sample(words.query)))}`;
  const target = path.replace('{id}', ID) + query;
  if (words?.answers[0]?.shape !== 'events')
    return api.ask(target, { method, ...(words?.body && { json: sample(words.body) }) });
  return new Promise((resolve, reject) => {
    const options = { port: api.port, path: target, headers: api.headers(), agent: false as const };
    const request = http.get(options, (response) => {
      response.on('error', () => undefined); // it is broken off here
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '', json: undefined });
      request.destroy();
    });
    request.on('error', reject);
  });
}

describe('each route', () => {
  const names = ROUTES.map(({ method, path }) => `${method} ${path}`);

  it('has words, and no words are without a route', () => {
    expect(Object.keys(ROUTE_WORDS).sort()).toEqual(names.sort());
  });

  it.each(names)('%s takes what its words say and nothing else', async (name) => {
    await ask(name);
    const words = ROUTE_WORDS[name];
    const told = [words?.query?.schema ?? noQuerySchema, words?.headers?.schema, words?.body?.schema];
    const used = vi.mocked(check).mock.calls.map(([schema]) => schema);
    expect(new Set(used)).toEqual(new Set(told.filter((schema) => schema !== undefined)));
  });

  it.each(names)('%s answers what its words say, field by field', async (name) => {
    const { status, headers, json, text } = await ask(name);
    const answer = ROUTE_WORDS[name]?.answers.find((one) => one.status === status);
    expect(answer, text).toBeDefined();
    if (typeof answer?.shape === 'string')
      expect(headers['content-type']?.split(';')[0]).toBe(TEXT_TYPES[answer.shape]);
    else expect(answer?.shape.parse(json)).toEqual(json);
  });
});

describe('the shapes', () => {
  it('fit a problem document', async () => {
    const { json } = await api.ask('/v1/messages/unknown');
    expect(problemShape.parse(json)).toEqual(json);
    expect(json).toMatchObject({ code: 'not_found' });
  });

  it('fit every explanation of a message, the maps of a relay and a leaf, and everything that a tap shows', () => {
    for (const map of [DEV_MAP, LEAF_MAP]) expect(mapShape.parse(map)).toEqual(map);
    for (const why of allWhys()) expect(whyShape.parse(why)).toEqual(why);
    for (const item of TAPPED) expect(tapItemShape.parse(item)).toEqual(item);
  });

  it('fit what a client of the inbox is given', async () => {
    const stop = new AbortController();
    const daemon = { url: api.url, token: api.owner.token, dataFolder: api.folder };
    const found: InboxEvent[] = [];
    for await (const event of openInbox(daemon, { client: 'test', signal: stop.signal })) {
      found.push(event);
      if (found.length === 2) stop.abort();
    }
    const [first, second] = found;
    expect(first?.kind === 'attached' && attachedShape.parse(first.attached)).toEqual(
      first?.kind === 'attached' && first.attached,
    );
    expect(second?.kind === 'item' && inboxItemShape.parse(second.item)).toEqual(
      second?.kind === 'item' && second.item,
    );
    expect(found.map(({ kind }) => kind)).toEqual(['attached', 'item']);
  });

  it('fit every frame from the daemon', async () => {
    const stream = await api.stream();
    const frames: ServerFrame[] = [];
    const next = async () => void frames.push(await stream.next());
    stream.send({ op: 'subscribe', ref: 'a', channels: ['dev'], after: 1, changes: true, ephemerals: true });
    await next();
    await next();
    api.gate.tell({ refs: [{ relation: 'reply', id: ID }] });
    await next();
    api.gate.change({ deleted: [ID], edited: api.gate.list.slice(0, 1) });
    await next();
    stream.send({ op: 'unsubscribe', ref: 'a' });
    await next();
    stream.send({ op: 'publish', ref: 'b', channel: 'dev', body: 'x', wait: 'relayed' });
    await next();
    api.gate.setState(api.gate.list.at(-1)?.id ?? '', 'relayed');
    await next();
    stream.send('{');
    await next();
    expect(frames.map(({ op }) => op).sort()).toEqual(Object.keys(SERVER_FRAMES).sort());
    for (const frame of frames) expect(serverFrameShape.parse(frame)).toEqual(frame);
    await stream.close();
  });
});
