/** Whole daemons in this process: real core, real sockets on loopback, real database. Only the door is a stand-in. */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Effect, Event } from '../core/contract.ts';
import { Peer } from '../core/peer.ts';
import type { PeerConfig, PeerSnapshot } from '../core/peer-types.ts';
import { MIGRATIONS, migrate } from '../store/migrations.ts';
import type { MessageView } from './gate.ts';
import { type Daemon, type StartOptions, startDaemon } from './index.ts';
import type { DaemonCore } from './start-options.ts';

/** Busy machines are slow; nothing here takes long by itself. */
const PATIENCE = { timeout: 20_000 };

let base: string;
let running: Daemon[];
let doors: string[];

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-daemon-'));
  running = [];
  doors = [];
});
afterEach(async () => {
  await Promise.all(running.map((daemon) => daemon.stop()));
  fs.rmSync(base, { recursive: true });
});

interface Lines {
  readonly text: string[];
  write(line: string): void;
}

const createLines = (): Lines => {
  const text: string[] = [];
  return { text, write: (line) => void text.push(line) };
};

async function start(
  name: string,
  env: Record<string, string> = {},
  rest: Partial<StartOptions> = {},
): Promise<Daemon> {
  const daemon = await startDaemon({
    dataFolder: path.join(base, name),
    env: { MESH_BOOTSTRAP_URL: '', HOST: '127.0.0.1', MESH_PEER_PORT: '0', MESH_API_PORT: '0', ...env },
    cwd: base,
    stdout: createLines(),
    stderr: createLines(),
    isTty: false,
    createDoor: () => ({
      listen: async (_host, port) => {
        doors.push(`${name} opened`);
        return { port: port === 0 ? 4711 : port, moved: false };
      },
      drain: async () => void doors.push(`${name} drained`),
      close: async () => void doors.push(`${name} closed`),
    }),
    ...rest,
  });
  running.push(daemon);
  return daemon;
}

async function firstMessage(daemon: Daemon, body: string): Promise<MessageView> {
  const abort = new AbortController();
  for await (const item of daemon.gate.feed({ after: 0, signal: abort.signal }))
    if (item.kind === 'message' && item.message.body === body) return item.message;
  throw new Error('the feed ended');
}

const folder = (name: string) => path.join(base, name);
const failing = (code: string) => expect.objectContaining({ code });

describe('two daemons', () => {
  it('link up, and what one publishes arrives at the other, signed, once', async () => {
    const a = await start('a');
    const b = await start('b', { MESH_PEERS: a.listen.peer });
    for (const daemon of [a, b]) await expect.poll(() => daemon.gate.status().links.length, PATIENCE).toBe(1);
    const { id, state, isNew } = await a.gate.publish({ channel: 'lobby', body: 'hello', payload: { n: 1 } });
    expect([state, isNew]).toEqual(['queued', true]);
    const message = await firstMessage(b, 'hello');
    expect(message).toMatchObject({ id, author: a.gate.status().identity, payload: { n: 1 }, own: false });
    expect(await a.gate.waitFor(id, 'relayed', 20_000)).toBe('relayed');
    const back = await b.gate.publish({ channel: 'lobby', body: 'hello back' });
    expect(await b.gate.waitFor(back.id, 'stored', 20_000)).toBe('stored');
    expect(await firstMessage(a, 'hello back')).toMatchObject({ id: back.id });
    expect(b.gate.status().links).toHaveLength(1);
    expect((await b.gate.messages({ channel: 'lobby', limit: 10 })).map(({ body }) => body)).toEqual([
      'hello',
      'hello back',
    ]);
  });

  it('tell who was shown a message that its author edited or deleted it, also after a restart', async () => {
    const a = await start('a');
    const env = { MESH_PEERS: a.listen.peer };
    const b = await start('b', env);
    const { id } = await a.gate.publish({ channel: 'lobby', body: 'first' });
    const { arrival } = await firstMessage(b, 'first');
    const nextChange = async (daemon: Daemon, after: number) => {
      const { signal } = new AbortController();
      for await (const item of daemon.gate.feed({ after, changes: true, signal }))
        if (item.kind === 'change') return item.change;
      throw new Error('the feed ended');
    };
    const telling = nextChange(b, arrival);
    await a.gate.publish({ channel: 'lobby', body: 'better', refs: [{ relation: 'edit', id }] });
    const told = await telling;
    expect(told).toMatchObject({ channel: 'lobby', edited: [{ id, body: 'better' }], deleted: [] });
    await b.stop();
    await a.gate.publish({ channel: 'lobby', body: '', refs: [{ relation: 'delete', id }] });
    const again = await nextChange(await start('b', env), told.arrival);
    expect(again).toMatchObject({ edited: [], deleted: [id] });
  });

  it('catch up: a daemon that was away gets what it missed', async () => {
    const a = await start('a');
    const env = { MESH_PEERS: a.listen.peer };
    const first = await start('b', env);
    const { identity } = first.gate.status();
    await a.gate.publish({ channel: 'lobby', body: 'one' });
    await firstMessage(first, 'one');
    await first.stop();
    await a.gate.publish({ channel: 'lobby', body: 'two' });
    const again = await start('b', env);
    expect(again.gate.status().identity).toBe(identity);
    expect(await firstMessage(again, 'two')).toMatchObject({ body: 'two' });
  });
});

describe('a start', () => {
  it('puts everything into the data folder for its user alone, joins the lobby, and says where the API is', async () => {
    const daemon = await start('a');
    const names = fs.readdirSync(folder('a')).sort();
    expect(names).toEqual(expect.arrayContaining(['api.json', 'keys', 'store.db']));
    for (const name of [...names, '.'])
      expect(fs.statSync(path.join(folder('a'), name)).mode & 0o077, name).toBe(0);
    const api = JSON.parse(fs.readFileSync(path.join(folder('a'), 'api.json'), 'utf8'));
    expect(api).toEqual({
      url: 'http://127.0.0.1:4711',
      pid: process.pid,
      version: daemon.gate.status().version,
      started: daemon.gate.status().started,
    });
    await daemon.gate.join('dev');
    const joined = daemon.gate.status().channels.filter((row) => row.joined);
    expect(joined.map(({ channel }) => channel).sort()).toEqual(['dev', 'lobby']);
  });

  it('remembers what was set for a channel and what was left, over a restart', async () => {
    const first = await start('a');
    for (const channel of ['dev', 'ops']) await first.gate.join(channel);
    const { retention } = await first.gate.retain({ channel: 'dev', days: 2, pinned: true });
    expect(retention).toMatchObject({ days: 2, pinned: true, isOwn: true });
    expect(await first.gate.leave('ops')).toEqual({ channel: 'ops', wasJoined: true });
    await expect(first.gate.retain({ channel: 'ops', days: 2 })).rejects.toEqual(failing('not_found'));
    await first.stop();
    const { channels } = (await start('a')).gate.status();
    expect(channels.filter(({ joined }) => joined)).toMatchObject([
      { channel: 'dev', retention },
      { channel: 'lobby', retention: { days: 90, isOwn: false } },
    ]);
  });

  it('with a folder that another daemon uses is refused and leaves that one alone', async () => {
    const first = await start('a');
    await expect(start('a')).rejects.toEqual(failing('store_locked'));
    expect(fs.existsSync(path.join(folder('a'), 'api.json'))).toBe(true);
    expect((await first.gate.publish({ channel: 'lobby', body: 'x' })).isNew).toBe(true);
  });

  it('on a port that was set and is taken is refused, and gives everything back', async () => {
    const taken = net.createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as net.AddressInfo;
    await expect(start('a', { MESH_PEER_PORT: `${port}` })).rejects.toEqual(failing('port_in_use'));
    expect(fs.existsSync(path.join(folder('a'), 'api.json'))).toBe(false);
    expect((await start('a')).gate.status().links).toEqual([]);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('with bad options or keys is refused before anything listens', async () => {
    await expect(start('a', { MESH_NETWORK: '?' })).rejects.toEqual(failing('bad_option'));
    expect(fs.existsSync(folder('a'))).toBe(false);
    fs.mkdirSync(folder('k'));
    fs.writeFileSync(path.join(folder('k'), 'key.pem'), 'x');
    fs.chmodSync(path.join(folder('k'), 'key.pem'), 0o644);
    await expect(start('a', { MESH_KEY_DIR: 'k' })).rejects.toEqual(failing('key_exposed'));
    expect(doors).toEqual([]);
  });

  it('with the database of an older version brings it up to date and notes where the copy is', async () => {
    fs.mkdirSync(folder('a'), { mode: 0o700 });
    const db = new Database(path.join(folder('a'), 'store.db'));
    migrate(db, { wallMs: Date.now(), migrations: MIGRATIONS.slice(0, 1) });
    db.exec("INSERT INTO meta VALUES ('network', 'openclaw')");
    db.close();
    const stdout = createLines();
    const daemon = await start('a', {}, { stdout });
    const log = stdout.text.join('');
    const copy = fs.readdirSync(folder('a')).find((name) => /^store\.db\.schema1-.*\.bak$/.test(name));
    expect(copy).toBeDefined();
    expect(log).toContain(`a copy of it with schema 1 is ${path.join(folder('a'), copy ?? '')}`);
    expect(log).toContain('To go back');
    await daemon.stop();
    const again = createLines();
    await start('a', {}, { stdout: again });
    expect(again.text.join('')).not.toContain('To go back');
  });

  it('with new keys over an old database is a problem that the status shows', async () => {
    await (await start('a')).stop();
    fs.rmSync(path.join(folder('a'), 'keys'), { recursive: true });
    const { problems } = (await start('a')).gate.status();
    expect(problems).toMatchObject([{ code: 'key_unreadable' }]);
  });

  it('asks the bootstrap lists it is given and says what they answered', async () => {
    fs.writeFileSync(path.join(base, 'list.json'), '{"version":1,"peers":[]}');
    const stdout = createLines();
    const env = { MESH_BOOTSTRAP_URL: 'list.json,none.json', RAILWAY_PUBLIC_DOMAIN: 'a.up.railway.app' };
    const daemon = await start('a', env, { stdout });
    const results = () =>
      daemon.gate.status().sources.map(({ source, state }) => [path.basename(source), state]);
    await expect.poll(results, PATIENCE).toEqual([
      ['list.json', 'ok'],
      ['none.json', 'failed'],
    ]);
    expect(stdout.text.join('')).toContain('"phrase":"bootstrap list failed"');
    expect(stdout.text.join('')).toContain('Others reach this daemon at wss://a.up.railway.app/');
  });
});

describe('a daemon without room', () => {
  it('shows it as a problem when a publish is refused, and no longer once there is room', async () => {
    const world = { isFull: true };
    const stdout = createLines();
    const createCore = (config: PeerConfig): DaemonCore =>
      Object.assign(new Peer(config), {
        handle: (event: Event): Effect[] => {
          if (event.kind !== 'publish') return [];
          const { request } = event;
          return [{ kind: 'reply', request, reply: { kind: 'failed', code: 'store_full', detail: '' } }];
        },
        snapshot: (): PeerSnapshot => ({
          ...{ role: 'leaf', links: [], addresses: [], relays: 0, joined: [], provenRelays: [], ownUrls: [] },
          ...{ floors: new Map(), isFull: world.isFull },
        }),
      });
    const { gate } = await start('a', {}, { stdout, createCore });
    await expect(gate.publish({ channel: 'lobby', body: 'x' })).rejects.toEqual(failing('store_full'));
    expect(gate.status().problems).toMatchObject([{ code: 'store_full' }]);
    world.isFull = false;
    expect(gate.status().problems).toEqual([]);
    expect(stdout.text.join('')).toContain('"phrase":"sending works again"');
  });
});

describe('a stop', () => {
  it('closes the door, finishes what was published, and takes api.json away', async () => {
    const daemon = await start('a');
    const publishing = daemon.gate.publish({ channel: 'lobby', body: 'last words' });
    const feed = daemon.gate.feed({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    await feed.next();
    const waiting = feed.next();
    await Promise.all([daemon.stop(), daemon.stop()]);
    expect(await daemon.ended).toBe(0);
    expect((await publishing).isNew).toBe(true);
    expect(await waiting).toMatchObject({ done: true });
    expect(doors).toEqual(['a opened', 'a drained', 'a closed']);
    expect(fs.existsSync(path.join(folder('a'), 'api.json'))).toBe(false);
    await expect(daemon.gate.publish({ channel: 'lobby', body: 'x' })).rejects.toEqual(failing('stopping'));
    expect(await (await start('a')).gate.messages({ channel: 'lobby', limit: 1 })).toMatchObject([
      { body: 'last words' },
    ]);
  });

  it('comes by itself with exit code 1 after a mistake in the core, and the log says so', async () => {
    const stdout = createLines();
    const createCore = (config: PeerConfig): DaemonCore =>
      Object.assign(new Peer(config), {
        handle: ({ kind }: Event): Effect[] => {
          if (kind === 'publish') throw new Error('a bug');
          return [];
        },
      });
    const daemon = await start('a', {}, { stdout, createCore });
    await expect(daemon.gate.publish({ channel: 'lobby', body: 'x' })).rejects.toEqual(failing('stopping'));
    expect(await daemon.ended).toBe(1);
    expect(stdout.text.join('')).toContain('"level":"fatal"');
    expect(stdout.text.join('')).toContain('a bug');
  });
});
