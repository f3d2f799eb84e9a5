import { describe, expect, it } from 'vitest';
import type { PeerSnapshot } from '../core/peer-types.ts';
import type { SourceView, StatusView } from './gate.ts';
import { createLog, createOutlet } from './log.ts';
import { Presenter } from './presenter.ts';
import { Problems } from './problems.ts';
import { retentionDefaults } from './retention.ts';
import { retentionLimits } from './retention-options.ts';
import type { ReportEffect } from './runner.ts';
import { Screen } from './screen.ts';
import { summarize } from './summary.ts';
import { ManualLater } from './testing/later.ts';

const source = (name: string, rest: Partial<SourceView>): SourceView => ({
  source: name,
  state: 'waiting',
  peers: 0,
  code: null,
  detail: '',
  at: null,
  ...rest,
});
const LINK = {
  peer: 'P'.repeat(43),
  direction: 'out',
  url: 'ws://a.example:5000/',
  kind: 'home-live',
  protection: 'none',
  agent: '',
  protocol: 'mesh/2',
  unverified: 0,
  agreement: 'unknown',
  fetching: 0,
  catchUp: undefined,
} as const;

function setUp(sources: SourceView[] = [], isColor = false) {
  let text = '';
  const logged: Record<string, unknown>[] = [];
  const out = {
    write: (part: string) => {
      text += part;
    },
  };
  const later = new ManualLater();
  const world = {
    sources,
    links: [] as (typeof LINK)[],
    localDiscovery: {
      ...{ mode: 'auto', state: 'off', reason: 'this is a test', addresses: [], peers: 0 },
    } as StatusView['localDiscovery'],
    states: [] as PeerSnapshot['addresses'][number]['state'][],
  };
  const status = (): StatusView => ({
    version: '0.1.0',
    network: 'openclaw',
    peer: 'Q'.repeat(43),
    role: 'leaf',
    identity: 'I'.repeat(43),
    identities: ['I'.repeat(43)],
    started: '',
    dataFolder: '/home/ann/data',
    listen: { peer: 'ws://0.0.0.0:5002', api: 'http://127.0.0.1:5001' },
    scrub: {
      ...{ state: 'off', checked: 0, messages: 0, started: null, ended: null, damaged: [], structure: '' },
    },
    links: world.links.map((link) => ({ ...link, since: '', agreementSince: null, catchUp: null })),
    sources: world.sources,
    localDiscovery: world.localDiscovery,
    channels: [],
    retention: retentionDefaults(retentionLimits({})),
    relays: 0,
    outbox: 0,
    lastArrival: 0,
    problems: [],
  });
  const snapshot = (): PeerSnapshot => ({
    role: 'leaf',
    links: world.links.map((link) => ({ ...link, sinceWallMs: 0, agreementWallMs: 0 })),
    addresses: world.states.map((state) => ({
      url: '',
      peer: '',
      source: '',
      state,
      nextMs: 0,
      lastError: '',
    })),
    ...{ relays: 0, joined: [], floors: new Map(), isFull: false, provenRelays: [], ownUrls: [] },
  });
  const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const clock = () => ({ monotonicMs: later.nowMs, wallMs: new Date(2026, 0, 2, 3, 4, 5).getTime() });
  const screen = new Screen({ out, isColor, command: 'npx mesh' });
  const presenter = new Presenter({
    log,
    screen,
    later,
    clock,
    status,
    snapshot,
    sources: () => world.sources,
  });
  const read = () => {
    const shown = text;
    text = '';
    return shown;
  };
  const phrases = () => logged.map(({ phrase }) => phrase);
  return { presenter, later, world, read, logged, phrases };
}

const report = (phrase: string, data: ReportEffect['data'] = {}): ReportEffect => ({
  ...{ kind: 'report', level: 'info', phrase, data },
});

describe('the start screen', () => {
  it('says who it is, where it listens, whom it asked with what result, how many peers it has, and what to do', () => {
    const { presenter, later, world, read } = setUp([
      source('https://a.example/bootstrap.json', { state: 'failed', code: 'bootstrap_unreachable' }),
      source('/shipped/bootstrap.json', { state: 'ok' }),
      source('https://b.example/bootstrap.json', { state: 'ok', peers: 2 }),
    ]);
    world.states = ['dialling'];
    presenter.started(['Port 5000 was taken, so other peers reach this daemon at port 5002.']);
    later.pass(200);
    world.links = [LINK];
    world.states = ['linked'];
    later.pass(200);
    expect(read()).toMatchInlineSnapshot(`
      "
      OpenClaw Messaging 0.1.0

        Identity   IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII  (signs your messages)
        Peer       QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ  (this daemon)
        Network    openclaw
        Listening  ws://0.0.0.0:5002  for other peers
                   http://127.0.0.1:5001  for commands on this machine
        Data       /home/ann/data
        Note: Port 5000 was taken, so other peers reach this daemon at port 5002.
        Asked      https://a.example/bootstrap.json: failed: A bootstrap list could not be fetched. It is tried again.
                   /shipped/bootstrap.json: ok, no peers listed
                   https://b.example/bootstrap.json: ok, 2 addresses
        Local net  off: this is a test
        Peers      1 link with other peers
        Next       npx mesh send lobby "hello"
                   npx mesh status
                   Ctrl-C stops the daemon.

      "
    `);
  });

  it('waits until local discovery has looked, and says later what changes there, the same failure once', () => {
    const { presenter, later, world, read, logged, phrases } = setUp();
    const set = (changes: Partial<StatusView['localDiscovery']>) => {
      world.localDiscovery = { ...world.localDiscovery, ...changes };
      presenter.localDiscovery(world.localDiscovery);
    };
    world.localDiscovery = { ...world.localDiscovery, state: 'starting', reason: '' };
    presenter.started([]);
    later.pass(200);
    expect(read()).not.toContain('Local net');
    set({ state: 'on', reason: '', addresses: ['192.168.1.5'], peers: 2 });
    later.pass(200);
    expect(read()).toContain('Local net  on at 192.168.1.5; 2 other peers\n');
    const failure = { state: 'failed', reason: 'no way leads there\u0007', addresses: [] } as const;
    set(failure);
    expect(read()).toContain('Local network: failed: no way leads there\ufffd.\n');
    set({ state: 'on', reason: '', addresses: ['192.168.1.5'], peers: 0 });
    expect(read()).toContain('Local network: on at 192.168.1.5; nobody else is announced.\n');
    set(failure);
    expect(read()).toBe('');
    expect(phrases().filter((phrase) => String(phrase).startsWith('local'))).toEqual([
      'local discovery',
      'local discovery failed',
      'local discovery',
      'local discovery failed again',
    ]);
    expect(logged.find(({ phrase }) => phrase === 'local discovery failed')).toMatchObject({
      level: 'warn',
      reason: failure.reason,
    });
  });

  it('waits for the lists and a moment for the first dials, and not for ever', () => {
    const { presenter, later, world, read } = setUp([source('x', {})]);
    world.states = ['dialling'];
    presenter.started([]);
    read();
    for (let i = 0; i < 5; i++) later.pass(200);
    expect(read()).toBe('');
    world.sources = [source('x', { state: 'ok', peers: 1 })];
    for (let i = 0; i < 9; i++) later.pass(200);
    expect(read()).toBe('');
    for (let i = 0; i < 3; i++) later.pass(200);
    expect(read()).toContain('a mesh of one');
  });

  it('goes on without a list that never answers', () => {
    const { presenter, later, read } = setUp([source('x', {})]);
    presenter.started([]);
    read();
    for (let i = 0; i < 40; i++) later.pass(200);
    expect(read()).toContain('x: no answer yet');
  });

  it('adds changes as short lines, once it is complete', () => {
    const { presenter, later, world, read } = setUp([]);
    world.states = ['dialling'];
    presenter.started([]);
    presenter.report(report('link up', { peer: 'early' }));
    expect(read()).not.toContain('early');
    world.links = [LINK];
    world.states = ['linked'];
    later.pass(200);
    read();
    presenter.report(report('link up', { peer: 'CALLER', url: '' }));
    presenter.report(report('link up', { peer: 'PEER', url: 'ws://a/' }));
    presenter.report(report('link down', { peer: 'PEER', reason: 'timed_out' }));
    presenter.report(report('this peer is a relay now', { url: 'ws://me/' }));
    presenter.report(report('link refused', { reason: 'noise' }));
    presenter.source(source('list', { state: 'ok', peers: 3 }));
    presenter.source(source('list', { state: 'ok', peers: 3 }));
    presenter.problem({ code: 'store_failed', detail: 'disk full', at: '' });
    expect(read()).toMatchInlineSnapshot(`
      "03:04:05 Linked with peer CALLER; 1 link now.
      03:04:05 Linked with peer PEER at ws://a/; 1 link now.
      03:04:05 Lost the link with peer PEER: timed_out; 1 link now.
      03:04:05 Others reach this peer at ws://me/: it is a relay now.
      03:04:05 Bootstrap list list: ok, 3 addresses
      03:04:05 Problem store_failed: The database could not be written or read. disk full. Check free space and permissions of the data folder; nothing that was confirmed is lost.
      "
    `);
  });

  it('never lets words of others command the terminal', () => {
    const { presenter, later, read } = setUp([source('x', { state: 'failed', detail: 'a\u001b[2Jb' })]);
    presenter.started([]);
    later.pass(0);
    presenter.report(report('link down', { peer: 'P', reason: '\u001b]0;title\u0007\u202e' }));
    expect(read()).toContain('a\ufffd[2Jb. It is tried again.');
    expect(read()).toBe('');
  });

  it('uses no control characters unless it may use colour', () => {
    for (const isColor of [false, true]) {
      const { presenter, later, read } = setUp([], isColor);
      presenter.started([]);
      later.pass(0);
      expect(read().includes('\u001b')).toBe(isColor);
    }
  });
});

describe('the log', () => {
  it('has fixed phrases, and repeated results only at debug', () => {
    const { presenter, logged, phrases } = setUp([]);
    presenter.started(['a note']);
    const failed = source('list', { state: 'failed', code: 'bootstrap_unreachable', detail: 'no network' });
    presenter.source(failed);
    presenter.source(failed);
    presenter.source(source('list', { state: 'ok', peers: 1 }));
    presenter.report(report('link up', { peer: 'PEER' }));
    expect(phrases()).toEqual([
      ...['note on the start', 'daemon started', 'bootstrap list failed', 'bootstrap list asked again'],
      ...['bootstrap list read', 'link up'],
    ]);
    expect(logged[1]).toMatchObject({
      level: 'info',
      version: '0.1.0',
      listen: { api: 'http://127.0.0.1:5001' },
    });
  });

  it('goes nowhere once its reader is gone', () => {
    let tell: (error: Error) => void = () => undefined;
    const lines: string[] = [];
    const outlet = createOutlet({
      write: (line) => void lines.push(line),
      on: (_event, listener) => {
        tell = listener;
      },
    });
    outlet.write('a');
    tell(new Error('EPIPE'));
    outlet.write('b');
    expect(lines).toEqual(['a']);
  });

  it('redacts what is named like a secret', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    log.info({ token: 'T0P', headers: { authorization: 'Bearer T0P' } }, 'x');
    expect(lines.join('')).not.toContain('T0P');
    expect(lines.join('')).toContain('[redacted]');
  });

  it('masks queries of URLs, which may hold a token, wherever they stand', () => {
    const lines: string[] = [];
    const log = createLog('debug', { write: (line) => void lines.push(line) });
    log.warn({ source: 'https://a.example/list?token=T0P', state: 'failed' }, 'bootstrap list failed');
    log.debug({ effect: summarize({ kind: 'dial', url: 'wss://b.example/?k=T0P' }) }, 'effect');
    expect(lines.join('')).not.toContain('T0P');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', source: 'https://a.example/list?***', phrase: 'bootstrap list failed' },
      { effect: { kind: 'dial', url: 'wss://b.example/?***' } },
    ]);
  });
});

describe('the list of problems', () => {
  it('holds each problem once, the newest last, at most 20, and forgets what was solved', () => {
    const fresh: string[] = [];
    const problems = new Problems(
      () => 0,
      ({ detail }) => fresh.push(detail),
    );
    for (let i = 0; i < 25; i++) problems.add('internal', `${i}`);
    problems.add('internal', '10');
    expect(problems.list).toHaveLength(20);
    expect(problems.list.at(-1)?.detail).toBe('10');
    expect(fresh).toHaveLength(25);
    expect(problems.solve('store_failed')).toBe(false);
    expect(problems.solve('internal')).toBe(true);
    expect(problems.list).toEqual([]);
  });
});
