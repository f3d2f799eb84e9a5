import { describe, expect, it } from 'vitest';
import { createVerifier } from '../../crypto/index.ts';
import { checkNode, checkOptions, checkSameOptions, checkSqlite, checkVerifier } from './program-checks.ts';
import { running, subjectOf, tempFolder } from './testing/subject.ts';

describe('the program', () => {
  it.each([
    ['24.16.0', 'ok'],
    ['24.17.0', 'ok'],
    ['26.0.0', 'ok'],
    ['24.15.9', 'fail'],
    ['20.20.2', 'fail'],
  ])('on Node %s is %s', async (nodeVersion, state) => {
    const subject = await subjectOf(tempFolder(), { system: { nodeVersion } });
    expect(checkNode(subject)).toMatchObject({ state, what: expect.stringContaining(nodeVersion) });
  });

  it('without its SQLite binding says how to get it', () => {
    expect(checkSqlite()).toMatchObject({ state: 'ok', what: expect.stringMatching(/version 3\./) });
    const load = () => {
      throw new Error('was compiled against a different Node.js version\nmore');
    };
    expect(checkSqlite(load)).toMatchObject({ state: 'fail', command: 'npm rebuild better-sqlite3' });
  });

  it('with another signature verifier than the best warns, and fails with none', () => {
    const broken = () => {
      throw new Error('not built for this platform');
    };
    const wrong = () => () => true;
    expect(checkVerifier(() => createVerifier({ order: ['node'] }))).toMatchObject({ state: 'ok' });
    const fallback = checkVerifier(() =>
      createVerifier({ order: ['sodium', 'node'], loaders: { sodium: broken } }),
    );
    expect(fallback).toMatchObject({
      state: 'warn',
      what: expect.stringContaining('not built for this platform'),
    });
    const none = checkVerifier(() => createVerifier({ order: ['portable'], loaders: { portable: wrong } }));
    expect(none).toMatchObject({
      state: 'fail',
      what: expect.stringContaining('No signature can be checked'),
    });
  });
});

describe('the options', () => {
  const check = async (env: Record<string, string>) => checkOptions(await subjectOf(tempFolder(), { env }));

  it('that are valid are named without their values', async () => {
    const found = await check({ MESH_NETWORK: 'my-net' });
    expect(found.state).toBe('ok');
    expect(found.what).toContain('MESH_NETWORK');
    expect(found.what).not.toContain('my-net');
  });

  it('that are misspelt warn', async () => {
    expect(await check({ MESH_PEER: 'a.example:1' })).toMatchObject({
      state: 'warn',
      what: expect.stringContaining('did you mean MESH_PEERS'),
    });
  });

  it('that cannot be used or contradict each other are all told, and the others still count', async () => {
    const env = { PORT: 'x', MESH_NETWORK: '?', MESH_BAN_THRESHOLD: '7' };
    const subject = await subjectOf(tempFolder(), { env });
    const found = checkOptions(subject);
    expect(found.state).toBe('fail');
    for (const name of ['PORT', 'MESH_NETWORK']) expect(found.what).toContain(`${name} is`);
    expect([...subject.refused].sort()).toEqual(['MESH_NETWORK', 'PORT']);
    expect(subject.options.banThreshold).toBe(7);
    const same = await subjectOf(tempFolder(), { env: { PORT: '7000', MESH_API_PORT: '7000' } });
    expect(checkOptions(same)).toMatchObject({ state: 'fail', what: expect.stringContaining('both 7000') });
    expect(same.refused.size).toBe(1);
  });

  it('that differ from those of the running daemon warn; what is not set says nothing', async () => {
    const other = {
      network: 'other',
      sources: [{ source: 'http://l/', state: 'ok', peers: 0, code: null, detail: '', at: null }],
    } as const;
    const plain = running(await subjectOf(tempFolder()), other);
    expect(checkSameOptions(plain)).toEqual([]);
    const env = { MESH_NETWORK: 'mine', MESH_BOOTSTRAP_URL: 'http://127.0.0.1:1/', PORT: '7000' };
    const [found] = checkSameOptions(running(await subjectOf(tempFolder(), { env }), other));
    expect(found).toMatchObject({
      state: 'warn',
      what: expect.stringContaining('MESH_NETWORK and MESH_BOOTSTRAP_URL and PORT'),
    });
    expect(checkSameOptions(await subjectOf(tempFolder(), { env }))).toEqual([]);
  });
});
