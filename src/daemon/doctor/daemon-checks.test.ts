import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { softwareVersion } from '../version.ts';
import { checkDaemon, checkProblems } from './daemon-checks.ts';
import { checkLinks } from './link-checks.ts';
import { checkPorts } from './port-checks.ts';
import type { DaemonAddress, DaemonStatus } from './subject.ts';
import { deadPid, NOW_MS, runMend, running, STATUS, subjectOf, tempFolder } from './testing/subject.ts';

const version = softwareVersion();
const system = { wallMs: () => NOW_MS };
const subject = () => subjectOf(tempFolder(), { system });

describe('the daemon', () => {
  it('that runs and answers is told with its process and time', async () => {
    const found = checkDaemon(running(await subject(), { version }));
    expect(found).toMatchObject([
      { state: 'ok', what: expect.stringMatching(/has run for 60 minutes as process \d+/) },
    ]);
  });

  it('of another version warns', async () => {
    expect(checkDaemon(running(await subject(), { version: '99.0.0' }))).toMatchObject([
      { state: 'warn', command: expect.stringMatching(/^mesh stop --data '\//) },
    ]);
  });

  it('that does not answer fails with the command that ends it', async () => {
    const silent = { ...running(await subject()), answer: { ok: false, detail: 'Nothing came.' } as const };
    expect(checkDaemon(silent)).toMatchObject([
      { state: 'fail', what: expect.stringContaining('Nothing came.'), command: `kill ${process.pid}` },
    ]);
  });

  it('is one of two on the same folder', async () => {
    const one = running(await subject(), { version });
    const { pid } = process;
    const two = {
      kind: 'running',
      url: 'http://127.0.0.1:2',
      pid,
      lock: { state: 'held', pids: [4321, pid] },
    } as const;
    expect(checkDaemon({ ...one, presence: two })).toMatchObject([
      { state: 'ok' },
      { state: 'fail', what: expect.stringContaining('Two daemons'), command: 'kill 4321' },
    ]);
    const elsewhere = { ...two, lock: { state: 'free', pids: [] } } as const;
    expect(checkDaemon({ ...one, presence: elsewhere })[1]).toMatchObject({
      state: 'warn',
      mend: expect.stringContaining('MESH_STORE_PATH'),
    });
  });

  it('that holds the database and cannot be found fails', async () => {
    const hidden = { kind: 'hidden', why: 'is missing', lock: { state: 'held', pids: [4321] } } as const;
    const [found] = checkDaemon({ ...(await subject()), presence: hidden });
    expect(found).toMatchObject({
      state: 'fail',
      what: expect.stringMatching(/^Process 4321 /),
      command: 'kill 4321',
    });
    const nobody = { ...hidden, lock: { state: 'held', pids: [] } } as const;
    expect(checkDaemon({ ...(await subject()), presence: nobody })[0]).toMatchObject({
      what: expect.stringMatching(/^A process /),
      command: '',
    });
  });

  it('that was killed left api.json behind, and the command removes it', async () => {
    const folder = tempFolder();
    fs.writeFileSync(
      path.join(folder, 'api.json'),
      JSON.stringify({ url: 'http://127.0.0.1:1', pid: deadPid() }),
    );
    const [stale] = checkDaemon(await subjectOf(folder));
    expect(stale).toMatchObject({ state: 'warn', what: expect.stringContaining('did not end in order') });
    if (stale !== undefined) runMend(stale);
    expect(checkDaemon(await subjectOf(folder))).toMatchObject([{ state: 'skipped' }]);
  });

  it('that this user may not look at is neither there nor not', async () => {
    const presence = { kind: 'unknown', lock: { state: 'unknown', pids: [] } } as const;
    const closed = { ...(await subject()), presence };
    expect(checkDaemon(closed)).toMatchObject([
      { state: 'skipped', what: expect.stringContaining('may not read') },
    ]);
    expect(await checkPorts(closed)).toMatchObject([{ state: 'skipped' }, { state: 'skipped' }]);
  });

  it('tells its own problems, each with the advice of the table', async () => {
    const one = running(await subject(), {
      problems: [{ code: 'duplicate_peer', detail: 'seen at ws://a.example', at: STATUS.started }],
    });
    expect(checkProblems(one)).toMatchObject([
      {
        state: 'warn',
        what: expect.stringContaining('same peer key'),
        mend: expect.stringContaining('Stop one of them'),
      },
    ]);
    expect(checkProblems(running(await subject()))).toMatchObject([{ state: 'ok' }]);
    expect(checkProblems(await subject())).toMatchObject([{ state: 'skipped' }]);
  });
});

describe('links', () => {
  const link = (kind: DaemonStatus['links'][number]['kind'], peer = 'p') => ({
    ...{ peer, direction: 'out', url: 'ws://a.example/', kind, since: STATUS.started, agent: 'x' },
    ...({
      protocol: 'mesh/2',
      direction: 'out',
      protection: 'none',
      unverified: 0,
      agreement: 'unknown',
      agreementSince: null,
      fetching: 0,
      catchUp: null,
    } as const),
  });
  const address = (more: Partial<DaemonAddress> = {}): DaemonAddress => ({
    ...{ url: 'ws://b.example/', peer: '', source: 'list', state: 'waiting', lastError: null },
    next: new Date(NOW_MS + 30_000).toISOString(),
    ...more,
  });
  const check = async (status: Partial<DaemonStatus>, addresses: DaemonAddress[] = [], listed = 0) =>
    checkLinks(running(await subject(), status, addresses), listed)[0];
  const source = { source: 'http://l/', state: 'ok', peers: 0, code: null, detail: '', at: null } as const;

  it('are counted by kind', async () => {
    const found = await check({ links: [link('overlay'), link('leaf', 'q'), link('leaf', 'r')] });
    expect(found).toMatchObject({
      state: 'ok',
      what: 'There are 3 links: 1 relay to relay, 2 to leaves that hang on us.',
    });
  });

  it('that are wanted by MESH_PEERS and missing warn; other addresses are only counted', async () => {
    const links = [link('home-live')];
    const own = address({ source: 'MESH_PEERS' });
    expect(await check({ links }, [own])).toMatchObject({
      state: 'warn',
      what: expect.stringContaining('not linked of MESH_PEERS: ws://b.example/ (next try in 30 seconds)'),
    });
    expect(await check({ links }, [{ ...own, lastError: 'ECONNREFUSED' }])).toMatchObject({
      what: expect.stringContaining('ws://b.example/ (next try in 30 seconds, last try: ECONNREFUSED)'),
    });
    expect(await check({ links }, [address(), address({ peer: 'p', source: 'MESH_PEERS' })])).toMatchObject({
      state: 'ok',
      what: expect.stringContaining('1 further address is not linked'),
    });
  });

  it('that are none fail once the daemon had time, with the addresses that it dials', async () => {
    const many = [1, 2, 3, 4].map((n) =>
      address({ url: `ws://b${n}.example/`, state: n === 1 ? 'dialling' : 'waiting' }),
    );
    expect(await check({}, many)).toMatchObject({
      state: 'fail',
      what: expect.stringMatching(
        /has run for 60 minutes, and dials in vain: ws:\/\/b1\.example\/ \(being dialled\).* and 1 more/,
      ),
    });
    const young = { started: new Date(NOW_MS - 5000).toISOString() };
    expect(await check(young, many)).toMatchObject({
      state: 'warn',
      mend: expect.stringContaining('Wait a minute'),
    });
    expect(await check({ sources: [source] }, [], 3)).toMatchObject({ state: 'fail' });
  });

  it('that are none are no failure where nobody was named', async () => {
    expect(await check({})).toMatchObject({ state: 'warn', mend: expect.stringContaining('MESH_PEERS') });
    expect(await check({ sources: [source] }, [address({ state: 'self' })])).toMatchObject({
      state: 'warn',
      what: expect.stringContaining('give no address'),
    });
    expect(checkLinks(await subject(), 0)).toMatchObject([{ state: 'skipped' }]);
  });
});
