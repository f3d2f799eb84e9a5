import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../testing/run-cli.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-start-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const env = () => ({ HOST: '127.0.0.1', PORT: '0', MESH_API_PORT: '0', MESH_BOOTSTRAP_URL: '' });

describe('mesh start', () => {
  it('runs a daemon that the other commands find by the folder, until a signal', async () => {
    const { promise: started, resolve } = Promise.withResolvers<void>();
    let stop: () => void = () => undefined;
    const daemon = runCli(['start', '--data', folder], {
      env: env(),
      cwd: folder,
      onStdout: (text) => text.includes('daemon started') && resolve(),
      onSignal: (raise) => {
        stop = raise;
      },
    });
    await started;
    const sent = await runCli(['send', '#dev', 'hello', '--json', '--data', folder]);
    expect(sent).toMatchObject({ code: 0, json: [{ state: 'queued' }] });
    const lines = await runCli(['send', '#dev', '--lines', '--data', folder], { stdin: 'a\nb\n' });
    expect(lines.code).toBe(0);
    const read = await runCli(['read', '#dev', '--json', '--data', folder]);
    expect(read.json.map((message) => (message as { body: string }).body)).toEqual(['hello', 'a', 'b']);
    stop();
    expect((await daemon).code).toBe(0);
    expect((await runCli(['id', '--data', folder])).code).toBe(3);
  });

  it('stops in order when the signal comes in the middle of the start', async () => {
    const options = { env: env(), cwd: folder, onSignal: (raise: () => void) => raise() };
    expect((await runCli(['start', '--data', folder], options)).code).toBe(0);
    expect(fs.existsSync(path.join(folder, 'api.json'))).toBe(false);
  });

  it('says which option is wrong', async () => {
    const options = { env: { ...env(), MESH_API_PORT: 'x' }, cwd: folder };
    const { code, stderr } = await runCli(['start', '--json', '--data', folder], options);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'bad_option',
      detail: expect.stringContaining('MESH_API_PORT'),
    });
  });
});

describe('mesh bootstrap', () => {
  it('serves a list until a signal', async () => {
    const file = path.join(folder, 'list.json');
    const list = { version: 1, peers: [], updated_at: '2026-11-20T00:00:00Z' };
    fs.writeFileSync(file, JSON.stringify(list));
    const { promise: serving, resolve } = Promise.withResolvers<string>();
    let stop: () => void = () => undefined;
    const server = runCli(['bootstrap', '--json'], {
      env: { HOST: '127.0.0.1', MESH_BOOTSTRAP_PORT: '0', MESH_BOOTSTRAP_FILE: file },
      cwd: folder,
      onStdout: resolve,
      onSignal: (raise) => {
        stop = raise;
      },
    });
    const { url } = JSON.parse(await serving);
    expect(await (await fetch(url)).json()).toEqual(list);
    stop();
    expect((await server).code).toBe(0);
  });
});
